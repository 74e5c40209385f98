"""The machines' door: /api/v1, one router per context, OpenAPI 3.1, problem+json."""
