from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from sqlalchemy import Engine, create_engine, inspect, text

from app.config.db.tables import create_missing_tables
from support.database import metadata


def engine_at(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path / 'app.db'}")


def test_missing_tables_are_created_and_existing_ones_keep_their_rows(tmp_path: Path) -> None:
    engine = engine_at(tmp_path)
    with engine.begin() as connection:
        create_missing_tables(connection, [metadata])
        connection.execute(text("INSERT INTO notes (title) VALUES ('kept')"))

    with engine.begin() as connection:
        create_missing_tables(connection, [metadata])
        assert connection.scalar(text("SELECT title FROM notes")) == "kept"
    engine.dispose()


def test_processes_that_start_together_do_not_trip_over_one_another(tmp_path: Path) -> None:
    together = Barrier(4)

    def start(_: int) -> bool:
        engine = engine_at(tmp_path)
        with engine.connect() as connection:
            together.wait(timeout=10)
            create_missing_tables(connection, [metadata])
            connection.commit()
            found = inspect(connection).has_table("notes")
        engine.dispose()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(start, range(4))) == [True] * 4
