"""What the people who run it look at: health, the API's description. No key needed, and nobody's data."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from serving.database import Database

router = APIRouter(tags=["operations"])


@router.get("/health")
async def health(request: Request) -> Response:
    """Whether the service can answer."""
    database: Database = request.app.state.database
    ((made,),) = await database.run("select to_regprocedure('api.data_version(uuid)') is not null", {})
    if not made:
        detail = "Schema api is not there yet: run a tick (`make tick`), or wait for one."
        return JSONResponse({"status": "waiting", "detail": detail}, 503)
    return JSONResponse({"status": "ok"})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """What can be asked, in OpenAPI 3.1."""
    return JSONResponse(request.app.openapi())
