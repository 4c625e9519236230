"""`/api/docs`: the operations of the API, from its OpenAPI document, without foreign scripts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from portal.rendering import render

router = APIRouter()


@router.get("/api/docs")
async def show_operations(request: Request) -> HTMLResponse:
    """Every operation, with what it does."""
    paths = request.app.openapi().get("paths", {})
    operations = [
        (f"{method.upper()} {path}", operation.get("summary", ""), operation.get("description", ""))
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    return render(request, "api", operations=operations)
