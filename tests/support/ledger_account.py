"""The account at the end of a fault: what was answered, executed, told and kept, run by run."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final

from app.testing.fake_console import FakeConsole
from support.load import Answered, Sent

RESUMABLE: Final = "note_run_again"
"""The job that asks to begin anew after a restart."""


@dataclass(frozen=True)
class Figures:
    """What the account came to."""

    sent: int
    accepted: int
    refused: int
    unanswered: int
    unreached: int
    """Never sent: nobody listened."""
    executed: int
    executed_twice: int
    resumed: int
    """Begun anew in a later life, as their job asks: not counted as executed twice."""
    succeeded: int
    lost: int
    """Told as failed because the executor had died under them."""
    callbacks: int
    unaccounted: int

    def as_text(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(self).items())


@dataclass
class Account:
    """Everything that is known when all is over."""

    sent: Sequence[Sent]
    console: FakeConsole
    executions: Counter[int]
    kept: Sequence[Mapping[str, Any]]
    """The ledger's view of its runs."""
    problems: list[str] = field(default_factory=list)

    def check(self) -> Figures:
        """AssertionError naming the first runs that don't add up."""
        callbacks, told = self._callbacks(), self._told()
        answers: dict[int, set[Answered]] = {}
        for one in self.sent:
            answers.setdefault(one.log_id, set()).add(one.answered)
        for log_id, answered in answers.items():
            self._check_run(log_id, answered, callbacks.get(log_id, []))
        self._expect("told in different words", (log_id for log_id, texts in told.items() if len(texts) > 1))
        self._expect("told but never triggered", set(callbacks) - set(answers))
        self._expect("executed but never triggered", set(self.executions) - set(answers))
        self._check_ledger(answers, callbacks)
        if self.problems:
            raise AssertionError(f"{len(self.problems)} runs unaccounted for:\n" + "\n".join(self.problems[:20]))
        return self._figures(answers, callbacks)

    @cached_property
    def _resumable(self) -> set[int]:
        return {one.log_id for one in self.sent if one.body["executorHandler"] == RESUMABLE}

    def _check_run(self, log_id: int, answered: set[Answered], callbacks: list[dict[str, Any]]) -> None:
        executed = self.executions[log_id]
        if executed > 1 and log_id not in self._resumable:
            self.problems.append(f"{log_id}: executed {executed} times")
        if Answered.ACCEPTED in answered and not callbacks:
            self.problems.append(f"{log_id}: accepted, executed {executed} times, never told")
        if answered <= {Answered.REFUSED, Answered.UNREACHED} and (executed or _succeeded(callbacks)):
            self.problems.append(f"{log_id}: {answered}, executed {executed} times, told {callbacks}")
        if log_id in self._resumable and callbacks and not _succeeded(callbacks):
            self.problems.append(f"{log_id}: resumable, told {callbacks[0]}")
        if executed and not callbacks:
            self.problems.append(f"{log_id}: executed, never told")
        if _succeeded(callbacks) and not (executed and callbacks[0]["handleMsg"].startswith(f"noted {log_id}")):
            self.problems.append(f"{log_id}: executed {executed} times, told {callbacks[0]}")

    def _check_ledger(self, answers: Mapping[int, set[Answered]], callbacks: Mapping[int, list[Any]]) -> None:
        kept = {run["log_id"]: run for run in self.kept}
        self._expect(
            "twice in the ledger", (key for key, n in Counter(r["log_id"] for r in self.kept).items() if n > 1)
        )
        self._expect("not reported in the ledger", (key for key, run in kept.items() if run["state"] != "reported"))
        accepted = {log_id for log_id, answered in answers.items() if Answered.ACCEPTED in answered}
        self._expect("accepted and not in the ledger", accepted - set(kept))
        self._expect("in the ledger and never told", set(kept) - set(callbacks))
        for log_id in set(kept) & set(callbacks):
            first = callbacks[log_id][0]
            if (first["handleCode"], first["handleMsg"]) != (kept[log_id]["code"], kept[log_id]["message"]):
                self.problems.append(f"{log_id}: told {first}, kept {kept[log_id]}")

    def _expect(self, claim: str, log_ids: Iterable[int]) -> None:
        self.problems += [f"{log_id}: {claim}" for log_id in log_ids]

    def _callbacks(self) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = {}
        for item in list(self.console.callbacks):
            found.setdefault(item["logId"], []).append(item)
        return found

    def _told(self) -> dict[int, set[str]]:
        """Every text that ever reached the console, taken or not."""
        found: dict[int, set[str]] = {}
        for name, body in list(self.console.requests):
            for item in body if name == "callback" else ():
                found.setdefault(item["logId"], set()).add(json.dumps(item, sort_keys=True))
        return found

    def _figures(self, answers: Mapping[int, set[Answered]], callbacks: Mapping[int, list[dict[str, Any]]]) -> Figures:
        best = Counter(_best(answered) for answered in answers.values())
        lost = sum("executor restarted" in str(items[0]["handleMsg"]) for items in callbacks.values())
        return Figures(
            sent=len(answers),
            accepted=best[Answered.ACCEPTED],
            refused=best[Answered.REFUSED],
            unanswered=best[Answered.SILENT],
            unreached=best[Answered.UNREACHED],
            executed=len(self.executions),
            executed_twice=sum(self.executions[log_id] > 1 for log_id in set(answers) - self._resumable),
            resumed=sum(self.executions[log_id] > 1 for log_id in self._resumable),
            succeeded=sum(map(_succeeded, callbacks.values())),
            lost=lost,
            callbacks=len(self.console.callbacks),
            unaccounted=len(self.problems),
        )


def _succeeded(callbacks: Sequence[Mapping[str, Any]]) -> bool:
    return bool(callbacks) and callbacks[0]["handleCode"] == 200


def _best(answered: set[Answered]) -> Answered:
    return next(one for one in Answered if one in answered)
