"""`/api/docs`: the operations of the API, from its OpenAPI document, without foreign scripts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from portal.api_reference import operations_by_noun
from portal.rendering import render

router = APIRouter()


@router.get("/api/docs")
async def show_operations(request: Request) -> HTMLResponse:
    """Every operation, with what it takes and gives."""
    return render(request, "api", nouns=operations_by_noun(request.app.openapi()))
