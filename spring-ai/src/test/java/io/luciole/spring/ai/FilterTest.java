package io.luciole.spring.ai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.lucene.MetadataType;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.ai.document.Document;
import org.springframework.ai.vectorstore.SearchRequest;
import org.springframework.ai.vectorstore.filter.Filter;
import org.springframework.ai.vectorstore.filter.Filter.Expression;
import org.springframework.ai.vectorstore.filter.Filter.ExpressionType;

/** Filters against a few documents; what each must find is written out. */
class FilterTest {
  private static Store store;

  @BeforeAll
  static void add() {
    store =
        Store.open(
            schema -> schema.metadata("published", MetadataType.DATE), UnaryOperator.identity());
    store
        .vectors()
        .add(
            List.of(
                document("a", Map.of("country", "BG", "year", 2020, "published", "2020-05-01")),
                document("b", Map.of("country", "NL", "price", 15.6, "open", true)),
                document("c", Map.of("country", "BG", "year", 2023, "tags", List.of("x", "y"))),
                document("d", Map.of("year", 2020L, "my key", "v", "open", false))));
  }

  @AfterAll
  static void close() {
    store.close();
  }

  private static Document document(String id, Map<String, Object> metadata) {
    return new Document(id, "The same text", metadata);
  }

  private static String found(UnaryOperator<SearchRequest.Builder> filter) {
    return store
        .vectors()
        .similaritySearch(
            filter.apply(SearchRequest.builder().query("The same text").topK(10)).build())
        .stream()
        .map(Document::getId)
        .sorted()
        .reduce("", String::concat);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock =
          """
          country == 'BG'                                     ; ac
          country != 'BG'                                     ; bd
          year == 2020                                        ; ad
          year == 2020.0                                      ; ad
          year > 2020                                         ; c
          year >= 2020                                        ; acd
          year < 2023                                         ; ad
          year <= 2023                                        ; acd
          price >= 15.6 && price <= 20.13                     ; b
          year in [2023, 2024]                                ; c
          year nin [2023, 2024]                               ; abd
          year not in [2023]                                  ; abd
          tags in ['y', 'z']                                  ; c
          tags == 'x' AND country == 'BG'                     ; c
          open == true                                        ; b
          open == false OR price > 1                          ; bd
          year is null                                        ; b
          year is not null                                    ; acd
          "my key" == 'v'                                     ; d
          NOT country == 'BG'                                 ; bd
          NOT (country == 'BG' OR open == true)               ; d
          (year >= 2023 || open == true) && country != 'NL'   ; c
          NOT (NOT (year == 2023))                            ; c
          published >= '2020-01-01' AND published < '2021-01' ; `refused`
          published >= '2020-01-01'                           ; a
          country > 'BG'                                      ; b
          country >= 'BG' AND country < 'C'                   ; ac
          country == 'bg'                                     ; ``
          nothing == 1                                        ; ``
          """)
  void expression_findsTheseDocuments(String expression, String expected) {
    if (expected.equals("refused")) {
      assertThatThrownBy(() -> found(request -> request.filterExpression(expression)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2021-01");
    } else {
      assertThat(found(request -> request.filterExpression(expression))).isEqualTo(expected);
    }
  }

  @Test
  void everyOperator_isKnown() {
    for (ExpressionType type : ExpressionType.values()) {
      Expression year =
          new Expression(ExpressionType.EQ, new Filter.Key("year"), new Filter.Value(2020));
      Expression expression =
          switch (type) {
            case AND, OR -> new Expression(type, year, new Filter.Group(year));
            case NOT -> new Expression(type, year);
            case IN, NIN ->
                new Expression(type, new Filter.Key("year"), new Filter.Value(List.of(2020)));
            case ISNULL, ISNOTNULL -> new Expression(type, new Filter.Key("year"));
            default -> new Expression(type, new Filter.Key("year"), new Filter.Value(2020));
          };
      Predicate<String> negates =
          name -> List.of("NE", "NIN", "NOT", "ISNULL", "GT", "LT").contains(name);
      assertThat(found(request -> request.filterExpression(expression)).contains("a"))
          .as(type.name())
          .isEqualTo(!negates.test(type.name()));
    }
  }

  @Test
  void malformedExpressions_areRefused() {
    List<Expression> wrong =
        List.of(
            new Expression(ExpressionType.EQ, new Filter.Value(1), new Filter.Value(1)),
            new Expression(ExpressionType.EQ, new Filter.Key("year"), new Filter.Value(List.of(1))),
            new Expression(ExpressionType.EQ, new Filter.Key("year")),
            new Expression(ExpressionType.IN, new Filter.Key("year"), new Filter.Value(1)),
            new Expression(ExpressionType.AND, new Filter.Key("year"), new Filter.Value(1)),
            new Expression(ExpressionType.GT, new Filter.Key("published"), new Filter.Value(true)));
    for (Expression expression : wrong) {
      assertThatThrownBy(() -> found(request -> request.filterExpression(expression)))
          .as(expression.toString())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected");
    }
  }
}
