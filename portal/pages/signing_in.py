"""`/sign-in`, `/sign-in/code`, `/sign-out`."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from portal.accounts.accounts import WRONG, SignInRefused
from portal.accounts.visits import Visit
from portal.forms import Form, read_form
from portal.identity import CODE_PATH, visit_of
from portal.rendering import go, render
from portal.security import forget_cookie, place_of, session_cookie, set_cookie
from portal.services import Given, Services
from portal.words import t

router = APIRouter()


@router.get("/sign-in")
async def ask_password(request: Request, next: str = "") -> Response:
    """The form; whoever is signed in goes on."""
    visit = visit_of(request)
    if visit is not None:
        return go(local(next) if _is_in(visit) else CODE_PATH)
    return _form(request, Form.filled(next=local(next)), needed=bool(next))


@router.post("/sign-in")
async def sign_in(request: Request, services: Given) -> Response:
    """Check name and password."""
    if not services.settings.local_accounts:
        raise HTTPException(404)
    form = await read_form(request)
    person = form.text("person", "sign-in.person_missing", 100).lower()
    password = form.secret("password", "sign-in.password_missing")
    if form.errors:
        return _form(request, form, 422)
    try:
        secret, stage = await services.accounts.sign_in(
            person, password, place=place_of(request), at=services.clock()
        )
    except SignInRefused as refused:
        form.wrong("person", t(refused.reason))
        return _form(request, form, 422 if refused.reason == WRONG else 429)
    target = local(form["next"])
    visit = visit_of(request)
    if visit is not None and visit.session is not None:  # nobody needs the one before any longer
        await services.accounts.sign_out(visit.session, services.clock())
    return _come_in(services, secret, target if stage == "in" else _code_path(target))


@router.get("/sign-in/code")
async def ask_code(request: Request, next: str = "") -> Response:
    """The form for the second factor."""
    visit = visit_of(request)
    if visit is None or _is_in(visit):
        return go("/sign-in" if visit is None else local(next))
    return render(request, "account/code", form=Form.filled(next=local(next)))


@router.post("/sign-in/code")
async def check_code(request: Request, services: Given) -> Response:
    """Check the second factor; a new session takes the place of the waiting one."""
    visit = visit_of(request)
    if visit is None or visit.session is None or _is_in(visit):
        return go("/sign-in")
    form = await read_form(request)
    code = form.text("code", "sign-in-code.missing", 100)
    if not form.errors:
        try:
            secret = await services.accounts.second_step(
                visit.session, code, place=place_of(request), at=services.clock()
            )
            return _come_in(services, secret, local(form["next"]))
        except SignInRefused as refused:
            wrong = "sign-in-code.wrong" if refused.reason == WRONG else refused.reason
            form.wrong("code", t(wrong))
    return render(request, "account/code", 422, form=form)


@router.post("/sign-out")
async def sign_out(request: Request, services: Given) -> Response:
    """End the session."""
    visit = visit_of(request)
    if visit is not None and visit.session is not None:
        await services.accounts.sign_out(visit.session, services.clock())
    answer = go("/sign-in", "sign-in.signed_out")
    forget_cookie(answer, services.settings, session_cookie(services.settings))
    return answer


def local(path: str) -> str:
    """Where to go after signing in: a path of ours, or the overview."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\", "/sign-"))
    return path if ours and path.isprintable() and "\\" not in path else "/"


def _code_path(target: str) -> str:
    return CODE_PATH if target == "/" else f"{CODE_PATH}?next={quote(target, safe='/')}"


def _is_in(visit: Visit) -> bool:
    return visit.session is None or visit.session.stage == "in"


def _come_in(services: Services, secret: str, target: str) -> Response:
    answer = go(target)
    set_cookie(answer, services.settings, session_cookie(services.settings), secret)
    return answer


def _form(request: Request, form: Form, status: int = 200, *, needed: bool = False) -> Response:
    services: Services = request.app.state.services
    openid = services.openid
    return render(
        request,
        "account/sign_in",
        status,
        form=form,
        needed=t("sign-in.needed") if needed else "",
        local_accounts=services.settings.local_accounts,
        button=openid.settings.button if openid else "",
        openid_path=f"/sign-in/openid?next={quote(form['next'], safe='/')}",
        leaving=openid is not None and request.query_params.get("done") == "sign-in.signed_out",
    )
