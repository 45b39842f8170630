"""PyIceberg: reads tables that firn wrote, as static tables, and writes others, in a catalog that ends with the process."""

import functools
import itertools

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import AlwaysTrue, EqualTo, GreaterThanOrEqual, IsNull
from pyiceberg.table import StaticTable
from pyiceberg.types import DecimalType, DoubleType, LongType, StringType

from canonical import rows

NUMBERS = {"int": int, "long": int, "float": float, "double": float}
names = (f"interop.table{n}" for n in itertools.count())


def settings(store):
    return {
        "s3.endpoint": store["endpoint"],
        "s3.access-key-id": store["accessKeyId"],
        "s3.secret-access-key": store["secretAccessKey"],
        "s3.region": "us-east-1",
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    }


def load(store, location):
    return StaticTable.from_metadata(location, settings(store))


def read(store, location, snapshotId=None, condition=None):
    row_filter = predicate(**condition) if condition else AlwaysTrue()
    scan = load(store, location).scan(row_filter, snapshot_id=int(snapshotId) if snapshotId else None)
    return {"rows": rows(scan.to_arrow()), "files": len(list(scan.plan_files()))}


def predicate(operator, kind, value):
    if operator == "is null":
        return IsNull("v")
    literal = bytes.fromhex(value) if kind in ("binary", "fixed") else NUMBERS.get(kind, lambda same: same)(value)
    return (EqualTo if operator == "=" else GreaterThanOrEqual)("v", literal)


def files(store, location):
    """The rows of the metadata table `files`."""
    return rows(load(store, location).inspect.files())


@functools.cache
def catalog(warehouse, *properties):
    made = SqlCatalog("interop", uri="sqlite:///:memory:", warehouse=warehouse, **dict(properties))
    made.create_namespace("interop")
    return made


def copy(store, warehouse, location, properties):
    """Writes the rows of another table to a new one, alike in schema and partitioning: its metadata location."""
    source = load(store, location)
    data = source.scan().to_arrow()
    target = catalog(warehouse, *settings(store).items())
    table = target.create_table(next(names), source.schema(), partition_spec=source.spec(), properties=properties)
    table.append(data.slice(0, len(data) // 2))
    table.append(data.slice(len(data) // 2))
    return table.metadata_location


def evolve(store, warehouse, location):
    """Changes schema and partitioning of a table made by `copy`, and deletes rows: what each snapshot then holds."""
    target = catalog(warehouse, *settings(store).items())
    table = target.register_table(next(names), location)
    with table.update_schema() as update:
        update.rename_column("v", "renamed")
        update.update_column("small", LongType())
        update.update_column("single", DoubleType())
        update.update_column("price", DecimalType(20, 2))
        update.delete_column("gone")
        update.add_column("added", StringType())
        update.add_column(("place", "town"), StringType())
        update.move_first("added")
    with table.update_spec() as update:
        update.remove_field("v")
        update.add_field("id", "bucket[2]", "id_bucket")
    table.append(table.scan().to_arrow())
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "doubled").commit()
    table.delete(EqualTo("id", 1))
    table.overwrite(table.scan(EqualTo("id", 2)).to_arrow(), EqualTo("id", 3))
    scans = [table.scan(snapshot_id=snapshot.snapshot_id) for snapshot in table.snapshots()]
    snapshots = [{"id": str(scan.snapshot_id), "rows": rows(scan.to_arrow())} for scan in scans]
    return {"at": table.metadata_location, "snapshots": snapshots}
