"""DuckDB as a contestant that reads."""

import importlib
import pathlib
from urllib.parse import urlsplit

import duckdb
from serve import serve, timed


class Peer:
    def open(self, settings, warehouse, catalog=None):
        """Its extensions come from wheels: nothing is downloaded when they load."""
        offline = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        self.database = duckdb.connect(config=offline)
        for name in ("avro", "httpfs", "iceberg"):
            package = pathlib.Path(importlib.import_module(f"duckdb_extension_{name}").__file__).parent
            self.database.execute(f"LOAD '{next(package.rglob('*.duckdb_extension'))}'")
        address = urlsplit(settings["s3.endpoint"])
        key, secret = settings["s3.access-key-id"], settings["s3.secret-access-key"]
        self.database.execute(
            f"""CREATE SECRET (TYPE s3, KEY_ID '{key}', SECRET '{secret}', REGION 'us-east-1', URL_STYLE 'path',
            ENDPOINT '{address.netloc}', USE_SSL {address.scheme == "https"});
            SET enable_external_file_cache = false"""
        )

    def read(self, location, columns, where):
        condition = f" WHERE {where}" if where else ""
        with timed() as took:
            table = self.database.sql(f"SELECT {', '.join(columns)} FROM iceberg_scan('{location}'){condition}")
            rows = len(table.to_arrow_table())
        return {**took, "rows": rows}


serve(Peer())
