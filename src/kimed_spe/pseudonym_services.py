"""Adapters for pseudonym services that trust centres run: gPAS and Mainzelliste.

The only module that opens connections; it runs in the trust centre, never in an SPE. Written after the services' public
documentation and tested against a fake of these interfaces, not against the services themselves:

* gPAS: TTP-FHIR Gateway, operations `$pseudonymizeAllowCreate` and `$dePseudonymize` on FHIR R4 Parameters
  (implementation guide of the Independent Trusted Third Party of the University Medicine Greifswald, from 2.2.0), and
  the SOAP service `PSNManagerBeanService` (interface `PSNManager` of gPAS 2024, namespace of its WSDL): operations
  `getOrCreatePseudonymForList` and `getValueFor`;
* Mainzelliste: REST interface 3.x, sessions, tokens `addPatient` and `readPatients`, header `mainzellisteApiKey`
  (API specification 3.3.0).
"""

import http.client
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
TIMEOUT_SECONDS = 30
BATCH = 500
"""Identifiers per request."""


class ServiceError(RuntimeError):
    """The service is not there, refuses, or gives something unexpected; texts never hold identifiers."""


class _Http:
    """JSON over HTTPS; plain HTTP only on this machine, because identifiers travel here."""

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        parts = urllib.parse.urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServiceError(f"{base} is no address of a service")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ServiceError(f"{base}: identifiers are not sent without encryption; use https")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._headers = dict(headers)

    def call(self, method: str, path: str, body: str | None = None, content: str = "application/json") -> Any:
        """One request; the answer as JSON."""
        accepted = content if content.endswith("json") else "application/json"
        status, data = self.exchange(method, path, body, {"Accept": accepted, "Content-Type": content})
        if not 200 <= status < 300:
            raise ServiceError(f"{self._host}: {method} answered {status}")
        try:
            return json.loads(data)
        except ValueError as error:
            raise ServiceError(f"{self._host}: {method} answered no JSON") from error

    def exchange(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """One request; status and body of the answer."""
        connection = self._kind(self._host, self._port, timeout=TIMEOUT_SECONDS)
        sent = {name: text for name, text in headers.items() if body is not None or name != "Content-Type"}
        try:
            data = body.encode() if body is not None else None
            connection.request(method, self._path + path, data, {**self._headers, **sent})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(f"{self._host}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()


class Gpas:
    """gPAS behind its FHIR gateway. It is a `PseudonymService`; domains must have been set up in gPAS.

    Parameters
    ----------
    base
        E.g. `https://gpas.example/ttp-fhir/fhir/gpas`.
    credential
        Value of the Authorization header, if the gateway wants one.
    """

    FHIR = "application/fhir+json"

    def __init__(self, base: str, credential: str | None = None) -> None:
        self._http = _Http(base, {"Authorization": credential} if credential else {})

    def issue(self, domain: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Pseudonyms from `$pseudonymizeAllowCreate`, in batches.

        Raises
        ------
        ServiceError
            The answer lacks an identifier, or names another domain.
        """
        wanted = list(dict.fromkeys(identifiers))
        found: dict[str, str] = {}
        for start in range(0, len(wanted), BATCH):
            found |= self._ask(
                "$pseudonymizeAllowCreate", domain, "original", wanted[start : start + BATCH], "pseudonym"
            )
        return found

    def resolve(self, domain: str, name: str) -> str:
        """The original value from `$dePseudonymize`."""
        return self._ask("$dePseudonymize", domain, "pseudonym", [name], "original")[name]

    def _ask(self, operation: str, domain: str, given: str, values: list[str], wanted: str) -> dict[str, str]:
        parameters = [{"name": "target", "valueString": domain}]
        parameters += [{"name": given, "valueString": value} for value in values]
        body = json.dumps({"resourceType": "Parameters", "parameter": parameters})
        answer = self._http.call("POST", f"/{operation}", body, self.FHIR)
        found: dict[str, str] = {}
        try:
            for parameter in answer["parameter"]:
                parts = {
                    part["name"]: part.get("valueIdentifier", {}).get("value") for part in parameter.get("part", [])
                }
                if parts.get("target") == domain and parts.get(given) and parts.get(wanted):
                    found[parts[given]] = parts[wanted]
        except (KeyError, TypeError, AttributeError) as error:
            raise ServiceError(f"gPAS: {operation} answered in another form ({type(error).__name__})") from error
        missing = len(set(values) - set(found))
        if missing:
            raise ServiceError(f"gPAS: {operation} gave nothing for {missing} of {len(values)} values in {domain}")
        return {value: found[value] for value in values}


class GpasSoap:
    """gPAS by its SOAP service. It is a `PseudonymService`; domains must have been set up in gPAS.

    Parameters
    ----------
    base
        E.g. `https://gpas.example/gpas/gpasService`.
    credential
        Value of the Authorization header, if the service wants one.
    """

    ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
    SERVICE = "http://psn.ttp.ganimed.icmvc.emau.org/"
    ABSENT = "*** "
    """What gPAS writes in place of a value or pseudonym that it does not know begins so."""

    def __init__(self, base: str, credential: str | None = None) -> None:
        self._http = _Http(base, {"Authorization": credential} if credential else {})

    def issue(self, domain: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Pseudonyms from `getOrCreatePseudonymForList`, in batches.

        Raises
        ------
        ServiceError
            A fault, or an identifier without a pseudonym.
        """
        wanted = list(dict.fromkeys(identifiers))
        found: dict[str, str] = {}
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            parts = [*(("values", value) for value in batch), ("domainName", domain)]
            given = dict(self._entries(self._ask("getOrCreatePseudonymForList", parts)))
            missing = [value for value in batch if given.get(value, self.ABSENT).startswith(self.ABSENT)]
            if missing:
                raise ServiceError(f"gPAS: nothing for {len(missing)} of {len(batch)} values in {domain}")
            found |= {value: given[value] for value in batch}
        return found

    def resolve(self, domain: str, name: str) -> str:
        """The original value from `getValueFor`."""
        answer = self._ask("getValueFor", [("psn", name), ("domainName", domain)])
        # `value` since the element has a name of its own, `return` before.
        texts = [child.text for child in answer if _local(child) in ("value", "return") and child.text]
        if len(texts) != 1 or texts[0].startswith(self.ABSENT):
            raise ServiceError(f"gPAS: getValueFor gave no value in {domain}")
        return str(texts[0])

    def _ask(self, operation: str, parts: Iterable[tuple[str, str]]) -> ET.Element:
        """Call an operation; its response element."""
        envelope = ET.Element(f"{{{self.ENVELOPE}}}Envelope")
        body = ET.SubElement(envelope, f"{{{self.ENVELOPE}}}Body")
        call = ET.SubElement(body, f"{{{self.SERVICE}}}{operation}")
        for name, value in parts:
            ET.SubElement(call, name).text = value
        text = ET.tostring(envelope, encoding="unicode")
        headers = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", "SOAPAction": '""'}
        status, data = self._http.exchange("POST", "", text, headers)
        try:
            if b"<!DOCTYPE" in data:
                raise ServiceError(f"gPAS: {operation} answered with a document type definition")
            answer = ET.fromstring(data)  # noqa: S314 - without a DTD there are no entities
        except ET.ParseError as error:
            raise ServiceError(f"gPAS: {operation} answered {status}, and no XML") from error
        if (fault := answer.find(f".//{{{self.ENVELOPE}}}Fault")) is not None:
            # The text of a fault repeats the value that was asked for; the name of the exception does not.
            names = [_local(item) for item in fault.iterfind("./detail/*")]
            raise ServiceError(f"gPAS: {operation} failed: {', '.join(names) or 'fault without detail'}")
        response = answer.find(f".//{{{self.SERVICE}}}{operation}Response")
        if response is None:
            raise ServiceError(f"gPAS: {operation} answered {status} in another form")
        return response

    @staticmethod
    def _entries(response: ET.Element) -> Iterator[tuple[str, str]]:
        """Pairs of a map: elements `entry` with `key` and `value`, however deep."""
        for entry in response.iter():
            if _local(entry) == "entry":
                pair = {_local(child): child.text or "" for child in entry}
                if pair.get("key") and pair.get("value"):
                    yield pair["key"], pair["value"]


def _local(element: ET.Element) -> str:
    """Name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


class Mainzelliste:
    """A Mainzelliste. It is a `PseudonymService`; a domain is an ID type that its configuration defines.

    Patients are named by an external identifier (ID type `external`), not by their name and date of birth: record
    linkage stays the business of whoever registers patients.

    Parameters
    ----------
    base
        E.g. `https://mainzelliste.example`.
    credential
        The API key.
    external
        ID type of the identifiers that are given.
    """

    VERSION = "3.2"

    def __init__(self, base: str, credential: str, external: str = "external") -> None:
        headers = {"mainzellisteApiKey": credential, "mainzellisteApiVersion": self.VERSION}
        self._http = _Http(base, headers)
        self._external = external

    def issue(self, domain: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Pseudonyms of patients who are in the list or are added to it."""
        session = self._session()
        found: dict[str, str] = {}
        for identifier in dict.fromkeys(identifiers):
            data = {"idTypes": [domain], "ids": {self._external: identifier}}
            token = self._token(session, "addPatient", data)
            form = urllib.parse.urlencode({"sureness": "true"})
            answer = self._http.call("POST", f"/patients?tokenId={token}", form, "application/x-www-form-urlencoded")
            found[identifier] = self._of_type(answer, domain)
        return found

    def resolve(self, domain: str, name: str) -> str:
        """The external identifier, by a `readPatients` token."""
        search = {"searchIds": [{"idType": domain, "idString": name}], "resultIds": [self._external]}
        token = self._token(self._session(), "readPatients", search)
        answer = self._http.call("GET", f"/patients?tokenId={token}")
        try:
            return self._of_type(answer[0]["ids"], self._external)
        except (KeyError, IndexError, TypeError) as error:
            raise ServiceError(f"Mainzelliste: no patient has this pseudonym in {domain}") from error

    def _session(self) -> str:
        return self._field(self._http.call("POST", "/sessions", "{}"), "sessionId")

    def _token(self, session: str, kind: str, data: dict[str, Any]) -> str:
        body = json.dumps({"type": kind, "data": data})
        return self._field(self._http.call("POST", f"/sessions/{session}/tokens", body), "id")

    @staticmethod
    def _field(answer: Any, name: str) -> str:
        if not isinstance(answer, dict) or not isinstance(answer.get(name), str):
            raise ServiceError(f"Mainzelliste: an answer lacks {name!r}")
        return urllib.parse.quote(answer[name], safe="")

    @staticmethod
    def _of_type(ids: Any, wanted: str) -> str:
        for item in ids if isinstance(ids, list) else []:
            if isinstance(item, dict) and item.get("idType") == wanted and isinstance(item.get("idString"), str):
                return str(item["idString"])
        raise ServiceError(f"Mainzelliste: the answer has no identifier of type {wanted}")
