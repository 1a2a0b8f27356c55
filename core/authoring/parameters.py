"""The parameters of a function: which there are, how a call's arguments fit them, and back.

Binding is left to Python itself. For each function a twin with the same signature is compiled whose body only
gives its arguments as a dict: so the rules, the speed and the words of the errors are those of a plain call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, Final

from flowctl.core.authoring.exceptions import ParameterBindError

_VARARGS: Final = 0x04
_VARKEYWORDS: Final = 0x08

#: Twins differ by name and defaults only, so that their code is shared: most tasks have one of few signatures.
_codes: Final[dict[str, CodeType]] = {}


class Parameters:
    """What `inspect.signature` knows of a function, without the 29 ms that importing `inspect` takes."""

    __slots__ = (
        "_bind",
        "_keyword_only",
        "_unbind",
        "defaults",
        "function_name",
        "names",
        "positional",
        "positional_only",
        "required",
        "var_keyword",
        "var_positional",
    )

    def __init__(
        self,
        function_name: str,
        *,
        positional: tuple[str, ...],
        positional_only: tuple[str, ...],
        var_positional: str | None,
        keyword_only: tuple[str, ...],
        var_keyword: str | None,
        defaults: dict[str, Any],
    ) -> None:
        self.function_name = function_name
        #: All that can be given by position, the positional-only ones included.
        self.positional = positional
        self.positional_only = positional_only
        self.var_positional = var_positional
        self.var_keyword = var_keyword
        self.defaults = defaults
        self._keyword_only = keyword_only
        #: In the order of the signature, `*args` and `**kwargs` under their names.
        self.names = (
            *positional,
            *((var_positional,) if var_positional else ()),
            *keyword_only,
            *((var_keyword,) if var_keyword else ()),
        )
        self.required = frozenset(name for name in (*positional, *keyword_only) if name not in defaults)
        self._bind: Callable[..., dict[str, Any]] | None = None
        self._unbind: Callable[[dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]] | None = None

    @classmethod
    def of(cls, fn: Callable[..., Any]) -> Parameters:
        """Read the signature of any callable; one that hides it takes everything."""
        plain = unwrapped(fn)
        if type(plain) is FunctionType:
            return _of_function(plain)
        return _of_signature(fn)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Give name -> value in the order of the signature, with defaults, `*args` and `**kwargs` under their names."""
        bind = self._bind
        if bind is None:
            bind = self._bind = self._compiled_bind()
        try:
            return bind(*args, **kwargs)
        except TypeError as error:
            raise ParameterBindError(f"{error}{self._remedy(args)}") from None

    def _remedy(self, args: tuple[Any, ...]) -> str:
        has_class = any(isinstance(each, type) for each in args[:1])
        if sys.version_info >= (3, 13) and self.positional[:1] == ("cls",) and not has_class:
            name = self.function_name
            return f". Under @classmethod, Python 3.13 gives the class to a call only: {name}.__func__.submit(cls, ...)"
        return ""

    def bind_named(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Bind arguments all given by name: positional-only ones too, `*args` as a sequence, `**kwargs` as a dict."""
        rest = dict(arguments)
        if self.var_keyword in arguments and isinstance(arguments[self.var_keyword], dict):
            rest |= rest.pop(self.var_keyword)
        args: list[Any] = []
        by_position = self.positional if arguments.get(self.var_positional or "") else self.positional_only
        for name in by_position:
            if name in rest:
                args.append(rest.pop(name))
            elif name in self.defaults:
                args.append(self.defaults[name])
            else:
                raise ParameterBindError(f"{self.function_name}() missing 1 required positional argument: {name!r}")
        if self.var_positional in arguments:
            args += rest.pop(self.var_positional)
        return self.bind(tuple(args), rest)

    def unbind(self, bound: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the arguments with which the function is called, from what `bind` gave."""
        unbind = self._unbind
        if unbind is None:
            unbind = self._unbind = self._compiled_unbind()
        return unbind(bound)

    def _compiled_bind(self) -> Callable[..., dict[str, Any]]:
        parts: list[str] = []
        for name in self.positional:
            parts.append(f"{name}=0" if name in self.defaults else name)
            if self.positional_only and name == self.positional_only[-1]:
                parts.append("/")
        if self.var_positional:
            parts.append(f"*{self.var_positional}")
        elif self._keyword_only:
            parts.append("*")
        parts += [f"{name}=0" if name in self.defaults else name for name in self._keyword_only]
        if self.var_keyword:
            parts.append(f"**{self.var_keyword}")
        body = ", ".join(f"{name!r}: {name}" for name in self.names)
        twin = FunctionType(
            _lambda_code(f"lambda {', '.join(parts)}: {{{body}}}"),
            {},
            argdefs=tuple(self.defaults[name] for name in self.positional if name in self.defaults),
        )
        twin.__kwdefaults__ = {name: self.defaults[name] for name in self._keyword_only if name in self.defaults}
        twin.__name__ = twin.__qualname__ = self.function_name
        return twin

    def _compiled_unbind(self) -> Callable[[dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]]:
        args = "".join(f"b[{name!r}], " for name in self.positional)
        if self.var_positional:
            args += f"*b[{self.var_positional!r}], "
        kwargs = "".join(f"{name!r}: b[{name!r}], " for name in self._keyword_only)
        if self.var_keyword:
            kwargs += f"**b[{self.var_keyword!r}], "
        return FunctionType(_lambda_code(f"lambda b: (({args}), {{{kwargs}}})"), {})


def coerce(fn: Callable[..., Any], bound: dict[str, Any], *, what: str = "Flow run") -> dict[str, Any]:
    """Make values fit the annotations as pydantic does in lax mode; raise `ParameterTypeError` where they cannot."""
    if not bound:
        return bound
    from flowctl.core.authoring.coercion import coerced

    return coerced(fn, bound, what=what)


def schema(fn: Callable[..., Any]) -> dict[str, Any]:
    """Describe the parameters as a JSON schema."""
    from flowctl.core.authoring.schemas import parameter_schema

    return parameter_schema(fn)


def unwrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Follow `functools.wraps` to the function whose signature counts; stop where one is given by hand."""
    seen = 0
    while type(fn) is FunctionType and "__signature__" not in fn.__dict__ and "__wrapped__" in fn.__dict__:
        fn = fn.__dict__["__wrapped__"]
        seen += 1
        if seen > 100:
            raise ValueError(f"{fn!r} is wrapped in itself. Look for a loop in its __wrapped__ attributes.")
    return fn


def _of_function(fn: FunctionType) -> Parameters:
    if "__signature__" in fn.__dict__:
        return _of_signature(fn)
    code = fn.__code__
    count, keywords = code.co_argcount, code.co_kwonlyargcount
    variables = code.co_varnames
    positional = variables[:count]
    after = count + keywords
    var_positional = None
    if code.co_flags & _VARARGS:
        var_positional = variables[after]
        after += 1
    given = fn.__defaults__ or ()
    defaults = dict(zip(positional[count - len(given) :], given, strict=True))
    if fn.__kwdefaults__:
        defaults.update(fn.__kwdefaults__)
    return Parameters(
        fn.__qualname__,
        positional=positional,
        positional_only=positional[: code.co_posonlyargcount],
        var_positional=var_positional,
        keyword_only=variables[count : count + keywords],
        var_keyword=variables[after] if code.co_flags & _VARKEYWORDS else None,
        defaults=defaults,
    )


def _of_signature(fn: Callable[..., Any]) -> Parameters:
    import inspect

    try:
        found = list(inspect.signature(fn).parameters.values())
    except (ValueError, TypeError):  # builtins such as `dict` and `iter` keep theirs to themselves
        found = [
            inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
            inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
        ]
    by_kind: dict[Any, list[str]] = {}
    for parameter in found:
        by_kind.setdefault(parameter.kind, []).append(parameter.name)
    kinds = inspect.Parameter
    positional_only = tuple(by_kind.get(kinds.POSITIONAL_ONLY, ()))
    return Parameters(
        _name_of(fn),
        positional=(*positional_only, *by_kind.get(kinds.POSITIONAL_OR_KEYWORD, ())),
        positional_only=positional_only,
        var_positional=next(iter(by_kind.get(kinds.VAR_POSITIONAL, ())), None),
        keyword_only=tuple(by_kind.get(kinds.KEYWORD_ONLY, ())),
        var_keyword=next(iter(by_kind.get(kinds.VAR_KEYWORD, ())), None),
        defaults={parameter.name: parameter.default for parameter in found if parameter.default is not kinds.empty},
    )


def _name_of(fn: Any) -> str:
    """The name under which Python's errors would speak of it; a partial is called as what it wraps."""
    while not isinstance(fn, type) and hasattr(fn, "func") and callable(fn.func):
        fn = fn.func
    name = getattr(fn, "__qualname__", None) or type(fn).__qualname__
    return name if isinstance(name, str) else "function"


def _lambda_code(source: str) -> CodeType:
    code = _codes.get(source)
    if code is None:
        outer = compile(source, "<flowctl parameters>", "eval")
        code = _codes[source] = next(part for part in outer.co_consts if isinstance(part, CodeType))
    return code
