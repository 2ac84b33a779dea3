package io.luciole.spark;

import java.util.Set;
import org.apache.spark.sql.connector.catalog.SupportsWrite;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.write.BatchWrite;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.SupportsTruncate;
import org.apache.spark.sql.connector.write.Write;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.types.StructType;

/** The shards of an index, as a table that can be written. */
final class ShardTable implements SupportsWrite {
  private final StructType columns;

  ShardTable(StructType columns) {
    this.columns = columns;
  }

  @Override
  public String name() {
    return "luciole";
  }

  @Override
  @SuppressWarnings("deprecation") // Still what Spark asks for the columns.
  public StructType schema() {
    return columns;
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(
        TableCapability.BATCH_WRITE, TableCapability.TRUNCATE, TableCapability.ACCEPT_ANY_SCHEMA);
  }

  @Override
  public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
    return new Builder(info);
  }

  private static final class Builder implements WriteBuilder, SupportsTruncate {
    private final LogicalWriteInfo info;
    private boolean overwrites;

    Builder(LogicalWriteInfo info) {
      this.info = info;
    }

    @Override
    public WriteBuilder truncate() {
      overwrites = true;
      return this;
    }

    @Override
    public Write build() {
      ShardPlan plan = ShardPlan.of(info);
      boolean replaces = overwrites;
      return new Write() {
        @Override
        public String description() {
          return "luciole shards in " + plan.path();
        }

        @Override
        public BatchWrite toBatch() {
          return new ShardBatchWrite(plan, replaces);
        }
      };
    }
  }
}
