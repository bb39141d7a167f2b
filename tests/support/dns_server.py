"""A DNS server that answers what a test has it answer."""

from __future__ import annotations

import socket
import threading
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Asked(NamedTuple):
    """A question that came."""

    name: str
    kind: str


class DnsServer:
    """Answers what the test has it answer, on UDP port 53 (or a free one) of 127.0.0.1."""

    def __init__(self, port: int = 0) -> None:
        #: By name and kind, as ``("blog.example.com", "A")``: the values of the records.
        self.records: dict[tuple[str, str], list[str]] = {}
        #: Names for which it keeps silent.
        self.silent: set[str] = set()
        #: Names at which it fails.
        self.failing: set[str] = set()
        self.asked: list[Asked] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def point(self, name: str, *addresses: str) -> None:
        """Have a name lead to these addresses, and to no others."""
        self.records.pop((name, "A"), None)
        self.records.pop((name, "AAAA"), None)
        for address in addresses:
            self.records.setdefault((name, "AAAA" if ":" in address else "A"), []).append(address)

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                wire, peer = self._socket.recvfrom(4096)
            except OSError:
                return
            answer = self._answer(dns.message.from_wire(wire))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(Asked(name, kind))
        if name in self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        exists = False
        while (name, "CNAME") in self.records:
            exists = True
            other = self.records[name, "CNAME"][0]
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{other}."))
            name = other
        if values := self.records.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *values))
        elif not exists and not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
