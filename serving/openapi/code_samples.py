"""Code that makes a request, in cURL, JavaScript and Python. A test runs all of it."""

SERVICE = "http://localhost:5000"

Samples = list[dict[str, str]]
"""As the extension x-codeSamples has them."""


def request_samples(path: str) -> Samples:
    """Code that requests a path, and has the JSON in `answer`."""
    base, _, query = path.partition("?")
    parameters = f', params="{query}"' if query else ""
    return _samples(
        f'curl -H "X-API-Key: $KEY" "{SERVICE}{path}"',
        f"const response = await fetch('{SERVICE}{path}', {{headers: {{'X-API-Key': key}}}});\n"
        "const answer = await response.json();\n"
        "if (!response.ok) throw new Error(answer.detail);",
        f'import httpx\n\nresponse = httpx.get("{SERVICE}{base}"{parameters}, headers={{"X-API-Key": key}})\n'
        "response.raise_for_status()\n"
        "answer = response.json()",
    )


def stream_samples(path: str) -> Samples:
    """Code that prints what a stream sends, until it is stopped."""
    return _samples(
        f'curl -N -H "X-API-Key: $KEY" "{SERVICE}{path}"',
        f"const response = await fetch('{SERVICE}{path}', {{headers: {{'X-API-Key': key}}}});\n"
        "for await (const text of response.body.pipeThrough(new TextDecoderStream())) console.log(text);",
        'import httpx\n\nheaders = {"X-API-Key": key}\n'
        f'with httpx.stream("GET", "{SERVICE}{path}", headers=headers, timeout=None) as response:\n'
        "    for line in response.iter_lines():\n"
        "        print(line)",
    )


def _samples(shell: str, javascript: str, python: str) -> Samples:
    return [
        {"lang": "Shell", "label": "cURL", "source": shell},
        {"lang": "JavaScript", "source": javascript},
        {"lang": "Python", "source": python},
    ]
