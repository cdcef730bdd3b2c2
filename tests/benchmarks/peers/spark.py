"""How PySpark is started: local, as many threads as there are processors, nothing open to others."""

from typing import Any


def start_spark() -> Any:
    """Return the session of this process."""
    from pyspark.sql import SparkSession  # type: ignore[import-not-found]

    settings = {
        "spark.driver.memory": "6g", "spark.sql.shuffle.partitions": "16", "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # a month is a text
    }  # fmt: skip
    return SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
