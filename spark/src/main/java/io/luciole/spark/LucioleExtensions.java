package io.luciole.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Function1;
import scala.Option;
import scala.Tuple3;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Adds a table function to Spark's SQL, for Python, SQL and every other client: {@code --conf
 * spark.sql.extensions=io.luciole.spark.LucioleExtensions}.
 *
 * <pre>{@code
 * SELECT * FROM luciole_embed('documents', 'text', 'title')
 * }</pre>
 *
 * embeds the rows of the table or temporary view {@code documents} as {@link
 * LucioleEmbeddings#configured} does, with the settings {@code spark.luciole.*} of the session. The
 * column of texts may be left out, and so may that of titles.
 */
public final class LucioleExtensions extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  private static final String NAME = "luciole_embed";
  private static final String USAGE =
      NAME + "(table[, text column[, title column]]), each a string in quotes";

  /** Made by Spark. */
  public LucioleExtensions() {
    JavaRequirement.require();
  }

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    Function1<Seq<Expression>, LogicalPlan> builder =
        new AbstractFunction1<>() {
          @Override
          public LogicalPlan apply(Seq<Expression> arguments) {
            return plan(CollectionConverters.asJava(arguments));
          }
        };
    extensions.injectTableFunction(
        new Tuple3<>(
            new FunctionIdentifier(NAME, Option.empty()),
            new ExpressionInfo(LucioleExtensions.class.getName(), NAME),
            builder));
    return BoxedUnit.UNIT;
  }

  private static LogicalPlan plan(List<Expression> arguments) {
    List<String> names = new ArrayList<>();
    for (Expression argument : arguments) {
      Object value = argument.foldable() ? argument.eval(null) : null;
      if (value == null) {
        throw new IllegalArgumentException("expected " + USAGE + ", got " + argument.sql());
      }
      names.add(value.toString());
    }
    if (names.isEmpty() || names.size() > 3) {
      throw new IllegalArgumentException("expected " + USAGE + ", got " + names.size() + " values");
    }
    Dataset<Row> rows = SparkSession.active().table(names.get(0));
    LucioleEmbeddings embeddings = LucioleEmbeddings.configured();
    if (names.size() > 1) {
      embeddings = embeddings.text(names.get(1));
    }
    if (names.size() > 2) {
      embeddings = embeddings.title(names.get(2));
    }
    return ((org.apache.spark.sql.classic.Dataset<Row>) embeddings.apply(rows))
        .queryExecution()
        .analyzed();
  }
}
