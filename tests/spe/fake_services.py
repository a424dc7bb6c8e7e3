"""Fakes of the surfaces of gPAS (TTP-FHIR, SOAP) and Mainzelliste on loopback, after their public documentation."""

import json
import re
import secrets
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
PSN = "http://psn.ttp.ganimed.icmvc.emau.org/"


class _Handler(BaseHTTPRequestHandler):
    """Answers JSON or XML; `answer` is what a service does."""

    content_type = "application/json"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        status, content = self.answer(body)
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", self.content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self, body: str) -> tuple[int, Any]:
        raise AssertionError

    do_GET = do_POST = _serve  # noqa: N815 - http.server looks for these names


class GpasFake(_Handler):
    """`$pseudonymizeAllowCreate` and `$dePseudonymize` of one configured domain, `study`."""

    known: dict[str, str]
    mode = "right"

    def answer(self, body: str) -> tuple[int, Any]:
        if self.headers["Authorization"] != "Bearer sesame":
            return 401, {"resourceType": "OperationOutcome"}
        if self.headers["Content-Type"] != "application/fhir+json":
            return 415, {}
        given = [(item["name"], item["valueString"]) for item in json.loads(body)["parameter"]]
        if dict(given).get("target") != "study":
            return 404, {"resourceType": "OperationOutcome"}
        values = [value for name, value in given if name in ("original", "pseudonym")]
        if self.path.endswith("/$pseudonymizeAllowCreate"):
            for value in values:
                self.known.setdefault(value, f"psn-{len(self.known):04d}")
            pairs = [(value, self.known[value]) for value in values]
        elif self.path.endswith("/$dePseudonymize"):
            pairs = [(original, name) for original, name in self.known.items() if name in values]
        else:
            return 404, {}
        if self.mode == "incomplete":
            pairs = pairs[1:]
        if self.mode == "other form":
            return 200, {"parameter": ["x"]}
        target = "other" if self.mode == "other domain" else "study"
        return 200, {"resourceType": "Parameters", "parameter": [self.part(target, *pair) for pair in pairs]}

    @staticmethod
    def part(target: str, original: str, name: str) -> dict[str, Any]:
        system = "https://ths-greifswald.de/gpas"
        values = {"target": target, "original": original, "pseudonym": name}
        identifiers = [{"name": k, "valueIdentifier": {"system": system, "value": v}} for k, v in values.items()]
        return {"name": "pseudonym", "part": identifiers}


class GpasSoapFake(_Handler):
    """`getOrCreatePseudonymForList` and `getValueFor` of `PSNManagerBeanService`, for the domain `study`.

    Names of elements as the WSDL has them: parameters without a namespace, `return` with `entry` of `key` and `value`
    for maps, faults as status 500 with the exception's name in `detail`.
    """

    known: dict[str, str]
    mode = "right"
    content_type = "text/xml"

    def answer(self, body: str) -> tuple[int, Any]:
        if self.headers["Authorization"] != "Bearer sesame":
            return 401, "<html><body>Unauthorized</body></html>"
        if not self.headers["Content-Type"].startswith("text/xml") or self.headers["SOAPAction"] is None:
            return 415, ""
        call = ET.fromstring(body).find(f"{{{SOAP}}}Body/*")
        operation = call.tag.removeprefix(f"{{{PSN}}}")
        given = [(child.tag, child.text) for child in call]
        if dict(given).get("domainName") != "study":
            return self.fault("UnknownDomainException", f"unknown domain, asked for {given[0][1]}")
        if operation == "getOrCreatePseudonymForList":
            values = [value for name, value in given if name == "values"]
            for value in values:
                self.known.setdefault(value, f"psn-{len(self.known):04d}")
            pairs = {value: self.known[value] for value in (values[1:] if self.mode == "incomplete" else values)}
            if self.mode == "absent":
                pairs[values[0]] = "*** VALUE NOT FOUND ***"
            entries = "".join(f"<entry><key>{escape(k)}</key><value>{v}</value></entry>" for k, v in pairs.items())
            return self.respond(operation, f"<return>{entries}</return>")
        if operation == "getValueFor":
            owners = [value for value, name in self.known.items() if name == dict(given)["psn"]]
            if not owners:
                return self.fault("PSNNotFoundException", f"nothing for {dict(given)['psn']}")
            return self.respond(operation, f"<value>{escape(owners[0])}</value>")
        return self.fault("", "no such operation")

    def respond(self, operation: str, content: str) -> tuple[int, str]:
        if self.mode == "other form":
            operation = "somethingElse"
        prolog = "<!DOCTYPE x [<!ENTITY a 'b'>]>" if self.mode == "entities" else ""
        body = f"<n:{operation}Response xmlns:n='{PSN}'>{content}</n:{operation}Response>"
        return 200, f"{prolog}<s:Envelope xmlns:s='{SOAP}'><s:Body>{body}</s:Body></s:Envelope>"

    def fault(self, name: str, text: str) -> tuple[int, str]:
        detail = f"<detail><n:{name} xmlns:n='{PSN}'/></detail>" if name else ""
        fault = f"<s:Fault><faultcode>s:Server</faultcode><faultstring>{text}</faultstring>{detail}</s:Fault>"
        return 500, f"<s:Envelope xmlns:s='{SOAP}'><s:Body>{fault}</s:Body></s:Envelope>"


class MainzellisteFake(_Handler):
    """Sessions, tokens for one use, and patients with external identifiers."""

    known: dict[str, str]
    sessions: set[str]
    tokens: dict[str, dict[str, Any]]
    mode = "right"

    def answer(self, body: str) -> tuple[int, Any]:
        url = urllib.parse.urlsplit(self.path)
        if self.headers["Accept"] != "application/json":
            return 406, {}
        if url.path == "/patients":
            return self.patients(urllib.parse.parse_qs(url.query).get("tokenId", [""])[0])
        if self.headers["mainzellisteApiKey"] != "sesame" or not self.headers["mainzellisteApiVersion"]:
            return 401, {}
        if url.path == "/sessions":
            session = secrets.token_hex(8)
            self.sessions.add(session)
            return 201, {"sessionId": session, "uri": f"http://x/sessions/{session}/"}
        found = re.fullmatch(r"/sessions/(\w+)/tokens", url.path)
        if not found or found[1] not in self.sessions:
            return 404, {}
        token = secrets.token_hex(8)
        self.tokens[token] = json.loads(body)
        return (201, {"id": token, "type": self.tokens[token]["type"]}) if self.mode == "right" else (201, ["x"])

    def patients(self, name: str) -> tuple[int, Any]:
        token = self.tokens.pop(name, None)
        if token is None:
            return 401, {}
        data = token["data"]
        if token["type"] == "addPatient" and self.command == "POST":
            external = data["ids"]["external"]
            pid = self.known.setdefault(external, f"{len(self.known):08d}")
            return 201, [{"idType": data["idTypes"][0], "idString": pid, "tentative": False}]
        wanted = data["searchIds"][0]["idString"]
        owners = [external for external, pid in self.known.items() if pid == wanted]
        return 200, [{"fields": {}, "ids": [{"idType": "external", "idString": owner}]} for owner in owners]


@contextmanager
def serving(kind: type[_Handler], mode: str = "right") -> Iterator[str]:
    """Address of a running fake."""
    handler = type(kind.__name__, (kind,), {"known": {}, "sessions": set(), "tokens": {}, "mode": mode})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
