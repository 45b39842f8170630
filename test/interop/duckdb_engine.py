"""DuckDB over tables that firn wrote. Its extensions come from wheels: nothing is downloaded when they load."""

import functools
import importlib
import pathlib
from urllib.parse import urlsplit

import duckdb

from canonical import rows


@functools.cache
def connection(endpoint, key, secret):
    database = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    for name in ("avro", "httpfs", "iceberg"):
        package = pathlib.Path(importlib.import_module(f"duckdb_extension_{name}").__file__).parent
        database.execute(f"LOAD '{next(package.rglob('*.duckdb_extension'))}'")
    address = urlsplit(endpoint)
    database.execute(
        f"""CREATE SECRET (TYPE s3, KEY_ID '{key}', SECRET '{secret}', REGION 'us-east-1', URL_STYLE 'path',
        ENDPOINT '{address.netloc}', USE_SSL {address.scheme == "https"});
        SET TimeZone = 'UTC'; SET arrow_lossless_conversion = true"""
    )
    return database


def query(store, sql):
    database = connection(store["endpoint"], store["accessKeyId"], store["secretAccessKey"])
    return rows(database.sql(sql).to_arrow_table())


def run(store, sql):
    connection(store["endpoint"], store["accessKeyId"], store["secretAccessKey"]).execute(sql)


def read(store, location, snapshotId=None, condition=None):
    version = f", snapshot_from_id = {snapshotId}::UBIGINT" if snapshotId else ""
    where = f" WHERE v {predicate(**condition)}" if condition else ""
    return {"rows": query(store, f"SELECT * FROM iceberg_scan('{location}'{version}){where}")}


def predicate(operator, kind, value):
    if operator == "is null":
        return operator
    if kind in ("binary", "fixed"):
        value = "".join(f"\\x{byte:02X}" for byte in bytes.fromhex(value))
    text = str(value).replace("'", "''")
    return f"{operator} {value}" if kind in ("int", "long") else f"{operator} '{text}'"
