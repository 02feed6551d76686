"""What a model may be built with where a file tells it: plain values of bounded size."""

import inspect

_MAX_NUMBER = 8192
# The exceptions to the bound above.
_MAX_BY_NAME = {
    "seed": 2**32 - 1,
    **dict.fromkeys(("channel_base", "discriminator_channel_base"), 2**18),
}
_MAX_LIST = 64
_FLOATS = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16")


def check_config(config, model_class, where):
    """Raises a ValueError unless a model may be built with these arguments.

    Args:
        config: dict from an argument of the constructor to its value.
        model_class: class of the model.
        where: str, where they come from.
    """
    if not isinstance(config, dict):
        raise ValueError(f"'config' in {where} must be a JSON object. Received: {config!r}")
    parameters = inspect.signature(model_class).parameters
    unknown = sorted(set(config) - set(parameters))
    if unknown:
        raise ValueError(
            f"{model_class.__name__} has no arguments {unknown} (in {where}). It has "
            f"{list(parameters)}."
        )
    for key, value in config.items():
        items = value if isinstance(value, (list, tuple)) else [value]
        if len(items) > _MAX_LIST or not all(_is_plain(item) for item in items):
            raise ValueError(
                f"'{key}' in {where} must be a number, string, boolean, null or a short list of "
                f"them. Received: {value!r}"
            )
        if key == "dtype" and value not in (None, *_FLOATS):
            raise ValueError(f"'dtype' in {where} is one of {_FLOATS}. Received: {value!r}")
        if isinstance(parameters[key].default, bool) and not isinstance(value, bool):
            raise ValueError(f"'{key}' in {where} must be a boolean. Received: {value!r}")
        bound = _MAX_BY_NAME.get(key, _MAX_NUMBER)
        for item in items:
            if isinstance(item, (int, float)) and not abs(item) <= bound:
                raise ValueError(f"'{key}' in {where} is {item}; at most {bound} is accepted.")


def _is_plain(value):
    return value is None or isinstance(value, (str, bool, int, float))
