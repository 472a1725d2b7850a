"""The pages of the box office in the browser of the tests, as a buyer or a promoter has them."""

from typing import Any

from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from tests.support.dashboard_page import Dashboard
from tests.support.served_box_office import Client

COOKIE = "tickettape_session"
MOST_TABS = 60  # to reach any element of a page


class BoxOfficePage(Dashboard):
    """A page of the box office."""

    def __init__(self, chrome: Chrome, base: str) -> None:
        super().__init__(chrome, base)

    def enter(self, client: Client | None) -> "BoxOfficePage":
        """Be logged in as somebody, or not at all."""
        self.chrome.execute_cdp_cmd("Network.clearBrowserCookies", {})
        if client and client.token:
            cookie = {"name": COOKIE, "value": client.token, "url": f"{self.base}/api/box-office/", "httpOnly": True}
            self.chrome.execute_cdp_cmd("Network.setCookie", cookie | {"path": "/api/box-office", "sameSite": "Strict"})
        return self

    def go(self, path: str, shows: str = "[data-state]:not([data-state=loading])") -> "BoxOfficePage":
        """Open a page below /box-office, and wait until it shows an element."""
        self.chrome.get(f"{self.base}/box-office{path}")
        return self.until_shown(shows)

    def until_shown(self, css: str) -> "BoxOfficePage":
        """Wait until an element is there to be seen."""
        self.wait(lambda: self.find(css).is_displayed(), f"{css} at {self.chrome.current_url}; it says {self.words!r}")
        return self

    def until_says(self, words: str, css: str = "main") -> "BoxOfficePage":
        """Wait until a place says something."""
        self.wait(lambda: words in self.text(css), f"{words!r} in {css}, which says {self.words!r}")
        return self

    @property
    def words(self) -> str:
        """What the page says."""
        return str(self.chrome.execute_script("return document.querySelector('main')?.innerText ?? ''"))

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.chrome).send_keys(*keys).perform()

    def tab_to(self, css: str) -> None:
        """Press the Tab key until an element has the focus."""
        self.until_shown(css)
        has_it = "return document.activeElement.matches(arguments[0])"
        for _ in range(MOST_TABS):
            if self.chrome.execute_script(has_it, css):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{MOST_TABS} tabs do not reach {css}")

    def type_into(self, css: str, *keys: str) -> None:
        """Go to a field with the Tab key, and type."""
        self.tab_to(css)
        self.press(*keys)

    @property
    def focused(self) -> str:
        """The name of what has the focus, as it is read out."""
        return str(self.chrome.switch_to.active_element.accessible_name)

    def names(self, css: str) -> list[str]:
        """The names of elements, as they are read out."""
        return [str(one.accessible_name) for one in self.chrome.find_elements(By.CSS_SELECTOR, css)]

    def click(self, css: str) -> None:
        """Click on an element."""

        def clicked() -> bool:
            element = self.find(css)
            if element.is_displayed():
                element.click()
                return True
            return False

        self.wait(clicked, f"{css} to click on; it says {self.words!r}")

    def button(self, name: str) -> Any:
        """A button, by its words."""
        return self.chrome.find_element(By.XPATH, f"//button[normalize-space()='{name}' and not(@hidden)]")
