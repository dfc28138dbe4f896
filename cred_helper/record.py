"""A class that is declared by its fields, as a dataclass is.

The modules that run before every cached answer use it, because ``dataclasses`` takes longer to load
than the whole answer. All other modules may use ``typing.NamedTuple``, whose
``repr`` shows every field, for data without secrets.

Source: https://docs.python.org/3/library/typing.html#typing.dataclass_transform (for mypy)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_options: Any) -> Any:
        """Change nothing: it is for mypy."""
        return lambda cls: cls


@dataclass_transform(eq_default=False)
class Record:
    """The annotations of a subclass are its fields, their values the defaults.

    The constructor takes the fields by position or name. With ``kw_only=True`` after the base class
    mypy lets required fields follow optional ones. It has no ``repr``: fields hold secrets.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        names = tuple(name for name in cls.__annotations__ if name not in cls._fields)
        cls._fields += names
        given = {name: value for name, value in vars(cls).items() if name in cls._fields}
        cls._defaults = {**cls._defaults, **given}

    def __init__(self, *values: object, **named: object) -> None:
        fields = self.__dict__
        fields.update(self._defaults)
        fields.update(zip(self._fields, values))  # noqa: B905 - the count is checked below
        fields.update(named)
        if len(fields) != len(self._fields) or len(values) > len(fields):
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self._fields)}")

    def but(self, **changed: object) -> Self:
        """The same with other values for these fields."""
        return type(self)(**{**self.__dict__, **changed})
