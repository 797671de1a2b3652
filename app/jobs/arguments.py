"""The parameter of a run, parsed by the job's own model."""

from typing import TypeVar

import pydantic
from pydantic import BaseModel

from app.common.errors import ValidationError

ModelT = TypeVar("ModelT", bound=BaseModel)


def parse_args(model: type[ModelT], param: str) -> ModelT:
    """The JSON object `param` as the model; an empty parameter is an empty object.

    Raises ValidationError with path and rule of every problem, never a value: parameters may hold secrets.
    """
    try:
        return model.model_validate_json(param.strip() or "{}")
    except pydantic.ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        reasons = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'parameter'}: {one['msg']}" for one in problems)
        raise ValidationError(f"bad parameter: {reasons}") from None
