"""The request's context variables under the path that existing users import them from."""

from app.common.context import bound, get_trace_id, pinned_snapshot_var, run_var, trace_id_var

__all__ = ["bound", "get_trace_id", "pinned_snapshot_var", "run_var", "trace_id_var"]
