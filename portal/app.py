"""The application: the gate, the routers found by folder, what is said when something is wrong.

Every module of `portal/pages` and `portal/api` with a `router` is part of it; a page module may
name its entry in the navigation as `area`.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from policy.commands.command import Refused
from policy.store import StoreFault
from portal import api, pages
from portal.api.shared import API_DESCRIPTION, API_VERSION, SHARED
from portal.identity import (
    REFUSALS_MAX,
    REFUSALS_SECONDS,
    DutyFirst,
    NotAllowed,
    SignInNeeded,
    roles_for,
)
from portal.limiting import Attempts
from portal.rendering import STATIC_FOLDER, Rendering, go
from portal.security import API, Gate, forget_cookie, session_cookie
from portal.services import Services
from portal.words import t, texts

_OPENAPI: Final = "/api/openapi.json"


def create_app(services: Services) -> FastAPI:
    """The whole portal, for these services."""
    app = FastAPI(
        title="Lychgate",
        version=API_VERSION,
        description=API_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=_OPENAPI,
    )
    areas = []
    for module in pages.modules():
        app.include_router(module.router, include_in_schema=False)
        if hasattr(module, "area"):
            areas.append(module.area)
    for module in api.modules():
        app.include_router(module.router, prefix="/api", **SHARED)
    app.state.services = services
    app.state.refusals = Attempts(REFUSALS_MAX, REFUSALS_SECONDS)
    app.state.rendering = Rendering(areas, services.clock)
    app.add_route("/healthz", _alive, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER, check_dir=False), name="static")

    async def refuse(request: Request, status: int, key: str) -> Response:
        request.scope["app"] = app  # the gate stands before it
        return say(request, status, key)

    app.add_exception_handler(SignInNeeded, _on_sign_in_needed)
    app.add_exception_handler(DutyFirst, _on_duty)
    app.add_exception_handler(NotAllowed, _on_not_allowed)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(StoreFault, _on_store_fault)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(Gate, services=services, refuse=refuse)
    return app


def say(request: Request, status: int, key: str, **shown: Any) -> Response:
    """An error as a page, or as JSON in the API."""
    if request.url.path.startswith(API):
        faults = list(shown.get("faults") or [_text(key, shown)])
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({"faults": faults}, status, headers)
    rendering: Rendering = request.app.state.rendering
    title = t(f"error.title_{key}")
    return rendering.page(
        request, "error", status, title=title, text=_text(key, shown), faults=shown.get("faults")
    )


def _text(key: str, shown: dict[str, Any]) -> str:
    values = {"roles": shown["roles"]} if "roles" in shown else {}
    return t(f"error.text_{key}" if values or key != "403" else "error.text_403_plain", **values)


async def _alive(request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def _on_sign_in_needed(request: Request, fault: Exception) -> Response:
    if request.url.path.startswith(API):
        return JSONResponse(
            {"faults": ["Authorization: no valid token; allowed: Bearer TOKEN"]},
            401,
            {"WWW-Authenticate": "Bearer"},
        )
    ended = bool(request.scope.get("lychgate.session_ended"))
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(here, safe='/')}" if request.method == "GET" and here != "/" else ""
    answer = go(f"/sign-in{back}", "sign-in.ended" if ended else "")
    if ended:
        settings = request.app.state.services.settings
        forget_cookie(answer, settings, session_cookie(settings))
    return answer


async def _on_duty(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, DutyFirst)
    return go(fault.path)


async def _on_not_allowed(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, NotAllowed)
    return say(request, 403, "403", roles=", ".join(t(f"role.{role}") for role in fault.roles))


async def _on_refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refused)
    if fault.needed is None:
        return say(request, 422, "422", faults=fault.faults)
    roles = ", ".join(t(f"role.{role}") for role in roles_for(fault.needed.action))
    return say(request, 403, "403", roles=roles, faults=fault.faults)


async def _on_store_fault(request: Request, fault: Exception) -> Response:
    return say(request, 503, "503")


async def _on_invalid(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    faults = [
        f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
        for error in fault.errors()
    ]
    return say(request, 422, "422", faults=faults)


async def _on_http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    key = str(fault.status_code)
    if f"error.title_{key}" not in texts():
        key = "404" if fault.status_code < 500 else "500"
    answer = say(request, fault.status_code, key)
    answer.headers.update(fault.headers or {})  # such as which methods are allowed
    return answer
