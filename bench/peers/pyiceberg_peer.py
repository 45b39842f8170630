"""PyIceberg as a contestant. Rows are made before the time is taken."""

import random
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.types import BooleanType, DoubleType, LongType, NestedField, StringType, TimestamptzType
from serve import serve, timed

KINDS = ["view", "click", "scroll", "search", "cart", "order", "login", "logout"]
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
ARROW = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("ts", pa.timestamp("us", "UTC")),
        pa.field("user", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("url", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("flag", pa.bool_()),
    ]
)
TYPES = [LongType(), TimestamptzType(), StringType(), StringType(), StringType(), DoubleType(), BooleanType()]
ICEBERG = Schema(*(NestedField(i + 1, f.name, TYPES[i], required=i == 0) for i, f in enumerate(ARROW)))


def event_rows(first, count):
    """As bench/event-rows.ts makes them."""
    below = random.Random(first + 1).randrange
    return [
        {
            "id": row,
            "ts": START + timedelta(milliseconds=row * 250 + below(250)),
            "user": f"user-{below(100_000)}",
            "kind": KINDS[below(8)],
            "url": f"https://shop.example.org/category/{below(50)}/item/{below(10**9)}?ref={below(10**6)}",
            "value": below(10**6) / 100,
            "flag": below(2) == 1,
        }
        for row in range(first, first + count)
    ]


class Peer:
    def open(self, settings, warehouse, catalog=None):
        """Of several processes that share a catalog's file the first makes the table, alone."""
        self.settings = settings
        uri = "sqlite:///:memory:" if catalog is None else f"sqlite:///{catalog}?timeout=60"
        self.catalog = SqlCatalog("bench", uri=uri, warehouse=warehouse, **settings)
        self.catalog.create_namespace_if_not_exists("bench")
        self.table = self.catalog.create_table_if_not_exists("bench.events", ICEBERG)

    def prepare(self, first, count, arrow):
        rows = event_rows(first, count)
        self.rows = pa.Table.from_pylist(rows, ARROW) if arrow else rows

    def append(self):
        """As often as it takes: a conflict that its own retries did not get over is tried again."""
        attempts = 1
        with timed() as took:
            data = self.rows if isinstance(self.rows, pa.Table) else pa.Table.from_pylist(self.rows, ARROW)
            while True:
                try:
                    self.table.append(data)
                    break
                except CommitFailedException:
                    attempts += 1
                    self.table.refresh()
        return {**took, "attempts": attempts}

    def location(self):
        self.table.refresh()
        return self.table.metadata_location

    def totals(self, location):
        """What another engine's table holds."""
        data = StaticTable.from_metadata(location, self.settings).scan(selected_fields=("id", "flag")).to_arrow()
        return {"rows": str(len(data)), "idSum": str(pc.sum(data["id"])), "flags": str(pc.sum(data["flag"]))}

    def scan(self, location, columns, where):
        table = StaticTable.from_metadata(location, self.settings)
        return table.scan(selected_fields=tuple(columns), **({"row_filter": where} if where else {}))

    def plan(self, location, columns, where):
        """How many files a scan would read."""
        scan = self.scan(location, columns, where)
        with timed() as took:
            rows = len(list(scan.plan_files()))
        return {**took, "rows": rows}

    def read(self, location, columns, where):
        scan = self.scan(location, columns, where)
        with timed() as took:
            rows = len(scan.to_arrow())
        return {**took, "rows": rows}


serve(Peer())
