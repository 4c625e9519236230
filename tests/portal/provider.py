"""An OpenID provider of our own that can be told to lie, on loopback.

Signing is joserfc's; what it signs, and with which key, a test decides.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "lychgate", "s3cret of the client"
Claims = dict[str, Any]


class Liar:
    """A provider; attributes say how it behaves."""

    def __init__(self, url: str, at: float) -> None:
        self.url = url
        self.at = at
        self.claims: Claims = {"sub": "1001", "email": "ada@college.example"}
        self.claims["email_verified"] = True
        self.change: Callable[[Claims], None] = lambda claims: None
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.sign_with = self.key
        self.shared_secret = b""
        """Sign with this instead (HS256)."""
        self.said: dict[str, Any] = {}
        """What its description says otherwise."""
        self.asked: list[str] = []
        self.token_status = 200
        self.redirects_to = ""
        self._codes: dict[str, dict[str, str]] = {}

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/leave",
        } | self.said

    def keys(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in KeySet([self.key]).keys]}

    def authorize(self, address: str) -> str:
        """What a person who agrees is sent back to."""
        asked = {key: value[0] for key, value in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return f"{asked['redirect_uri']}?{back}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self._codes.pop(form.get("code", ""), None)  # a code is good once
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if not authorization.startswith("Basic "):
            return 401, {"error": "invalid_client"}
        claims: Claims = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": int(self.at),
            "exp": int(self.at) + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        self.change(claims)
        kid = {"kid": self.sign_with.kid} if self.sign_with.kid else {}
        signed = jwt.encode({"alg": "RS256", **kid}, claims, self.sign_with)
        if self.shared_secret:
            parts = [json.dumps(part).encode() for part in ({"alg": "HS256", **kid}, claims)]
            signing = ".".join(_encoded(part) for part in parts)
            mac = hmac.digest(self.shared_secret, signing.encode(), "sha256")
            signed = f"{signing}.{_encoded(mac)}"
        return self.token_status, {"access_token": "x", "token_type": "Bearer", "id_token": signed}


def _encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


@contextmanager
def liar(at: float) -> Iterator[Liar]:
    """A provider that serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            made.asked.append(self.path)
            if made.redirects_to:
                self.send_response(302)
                self.send_header("Location", made.redirects_to)
                self.end_headers()
            elif self.path == "/.well-known/openid-configuration":
                self._say(200, made.description())
            elif self.path == "/keys":
                self._say(200, made.keys())
            else:
                self._say(404, {})

        def do_POST(self) -> None:
            made.asked.append(self.path)
            length = int(self.headers["Content-Length"])
            form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
            self._say(*made.token(form, self.headers.get("Authorization", "")))

        def _say(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Liar(f"http://127.0.0.1:{server.server_address[1]}", at)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
