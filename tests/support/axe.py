"""axe-core: what on a page keeps people out, as far as a program can tell."""

from typing import Any

from selenium.webdriver import Chrome

from tests.support.tools import AXE

_RUN = """const [rules, done] = arguments;
    axe.run(document, {resultTypes: ["violations"], ...(rules ? {runOnly: rules} : {})})
        .then((found) => done(found.violations), (error) => done(String(error)))"""


def violations(chrome: Chrome, *rules: str) -> list[str]:
    """A line for each element that breaks a rule of WCAG 2.2 A or AA, or a best practice; or one of these rules."""
    if not chrome.execute_script("return 'axe' in window"):
        chrome.execute_script(AXE.read_text())
    found: Any = chrome.execute_async_script(_RUN, list(rules) or None)
    assert isinstance(found, list), found
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}: {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]
