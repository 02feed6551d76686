"""A `keras.StatelessScope` that nests, and the commit of what was written inside it."""

import keras


class DeferredScope(keras.StatelessScope):
    """Holds back every `Variable.assign` made inside it, until `commit`.

    Keras' own scope hides its parent: a variable that the outer scope has updated reads as its
    *old* value inside. This one falls through to the parent, and remembers which variables were
    written.

    It relies on three members of `keras.StatelessScope` that Keras does not document
    (`original_scope`, `state_mapping`, `add_update`); tests/backend/test_scope.py pins them.
    """

    def __init__(self, state_mapping=()):
        super().__init__(list(state_mapping))
        self._written = {}

    def get_current_value(self, variable):
        """The value of `variable` here: written in this scope, else in the enclosing ones."""
        value = super().get_current_value(variable)
        if value is None and self.original_scope is not None:
            value = self.original_scope.get_current_value(variable)
        return value

    def add_update(self, update):
        """Called by `Variable.assign`."""
        super().add_update(update)
        variable, _ = update
        self._written[id(variable)] = variable

    @property
    def written(self):
        """The variables assigned in this scope, in order of their first assignment."""
        return list(self._written.values())

    def updates(self):
        """`(variables, values)`: what was assigned in this scope."""
        return self.written, [self.state_mapping[id(v)] for v in self.written]


def is_inside():
    """Whether an enclosing scope holds back writes here."""
    with DeferredScope() as scope:
        return scope.original_scope is not None


def commit(variables, values):
    """Assign `values` to `variables` in the scope that is current now."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
