"""What schemathesis does not know of itself: a media type, and which requests are refused for what no schema can say."""

import re

import schemathesis

# Refusals of requests that are as the document says, by the operation's path: between fields, between requests, or of
# texts that are a language of their own. Whatever else is refused is a defect of the document or of the worker.
BEYOND_SCHEMAS = [
    # To JSON Schema 1.0 is an integer.
    ("", 400, r" must be a whole number\.$"),
    ("", 400, r"cursor is not one that a (page|page of this search|lineage) (has told|ended with)\."),
    ("", 413, r"A body has at most|The headers of a request have at most"),
    ("", 400, r"The header Idempotency-Key has"),
    ("", 422, r"This (key was used|id was counted) for another"),
    ("/v1/prompts/{id}/(series|funnel)|/v1/admin/series", 400, r"from is before to\.|are at most \d+ (hours|days) apart|tz is the name"),
    ("/v1/usage", 400, r"Idempotency-Key (and the id|is the id of one event)"),
    ("/v1/events|/v1/usage", 413, r"(properties|error_message) (has|have) at most"),
    ("/v1/prompts", 400, r"slug must not be a UUID|cannot come from itself"),
    ("/v1/prompts/stats", 400, r"ids are those of at most"),
    ("/v1/experiments/{id}", 400, r"Another variant has this key|The weights come to|Give every variant its weight|must start before"),
    ("/v1/experiments/{id}/results", 400, r"baseline is the key of none"),
    ("/v1/experiments/evaluate", 400, r"Another variant has|do not add up to 1|none of the variants|conversions is from 0|stays below 1"),
    # The parameters of the data dialect are small languages, and values are told from others by their columns.
    ("/rest/v1/[a-z_]+", 400, r'^PGRST100 (failed to parse "[a-z_.]+" |the (modifier of the )?operator "|.* is not supported$)'),
    ("/rest/v1/[a-z_]+", 400, r"^42703 column \w+\..+ does not exist$"),
    ("/rest/v1/[a-z_]+", 400, r"^PGRST(204 Could not find the '.*' column of '|108 '.*' is not an embedded resource)"),
    ("/rest/v1/[a-z_]+", 400, r"^(22P02|22P05|22007|22003) "),
    ("/rest/v1/rpc/[a-z_]+", 400, r'^22P02 invalid input syntax for type bigint: "-?\d+\.0"$'),
    # What the database itself checks; that whoever is no user says whose row it is.
    ("/rest/v1/[a-z_]+", 400, r'^23514 new row for relation "\w+" violates check constraint|^23502 null value in column "user_id"'),
    ("/rest/v1/[a-z_]+", 400, r"^PGRST102 All object keys must match$"),
    ("/rest/v1/[a-z_]+", 400, r"^21000 (UPDATE|DELETE) requires a WHERE clause$"),
    ("/rest/v1/[a-z_]+", 416, r"^PGRST103 "),
]


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.check
def refused_for_what_no_schema_says(ctx, response, case):
    """Of a request that is as the document says, a refusal is one of those that are known."""
    status = response.status_code
    if case.meta is None or not case.meta.generation.mode.is_positive or status not in (400, 406, 413, 415, 416, 422):
        return
    path = case.operation.path
    answer = response.json()
    detail = answer["detail"] if "detail" in answer else f"{answer['code']} {answer['message']}"
    for operation, refusal, pattern in BEYOND_SCHEMAS:
        if status == refusal and re.fullmatch(operation.replace("{", r"\{") or ".*", path) and re.search(pattern, detail, re.DOTALL):
            return
    raise AssertionError(f"a request that is as the document says was refused: {status} {detail}")
