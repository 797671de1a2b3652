import resource

import pytest

from app.xxl_job.executor.isolation.limits import limited

KINDS = (resource.RLIMIT_DATA, resource.RLIMIT_CPU)


def test_limits_are_set_beyond_what_is_used_and_put_back() -> None:
    before = [resource.getrlimit(kind) for kind in KINDS]
    used = resource.getrusage(resource.RUSAGE_SELF)
    with limited(4096, 1000):
        (data, _), (cpu, _) = (resource.getrlimit(kind) for kind in KINDS)
        assert cpu - 1000 >= used.ru_utime + used.ru_stime
        assert data > 4096 * 1024 * 1024
    assert [resource.getrlimit(kind) for kind in KINDS] == before


def test_no_limit_changes_nothing() -> None:
    before = [resource.getrlimit(kind) for kind in KINDS]
    with limited(None, None):
        assert [resource.getrlimit(kind) for kind in KINDS] == before


def test_limits_are_put_back_after_a_failure_too() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    with pytest.raises(MemoryError), limited(None, 1000):
        raise MemoryError
    assert resource.getrlimit(resource.RLIMIT_CPU) == before
