package io.luciole.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.lucene.FacetCounts;
import io.luciole.lucene.Hit;
import io.luciole.lucene.Leg;
import io.luciole.lucene.LegScore;
import io.luciole.lucene.MetadataBounds;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.TokenMatch;
import java.io.IOException;
import java.util.Map;

/**
 * Writes what a search found as JSON: a line with an object for each hit and, if counts were asked
 * for, a last line with them.
 *
 * @param console where to
 * @param tokens whether hits tell the tokens that they share with the query
 * @param explain whether hits tell how their scores came about
 */
record ResultJson(Console console, boolean tokens, boolean explain) {
  void print(SearchResult result) throws IOException {
    JsonFactory factory = new ObjectMapper().getFactory();
    try (JsonGenerator out = factory.createGenerator(console.out())) {
      out.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      out.setRootValueSeparator(null);
      for (Hit hit : result.hits()) {
        write(hit, out);
        out.writeRaw('\n');
      }
      if (!result.facets().isEmpty()) {
        writeFacets(result, out);
        out.writeRaw('\n');
      }
    }
  }

  private void write(Hit hit, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeStringField("id", hit.id());
    out.writeNumberField("score", hit.score());
    out.writeObjectFieldStart("legs");
    for (Map.Entry<Leg, LegScore> leg : hit.legs().entrySet()) {
      out.writeObjectFieldStart(leg.getKey().id());
      out.writeNumberField("rank", leg.getValue().rank());
      out.writeNumberField("score", leg.getValue().score());
      out.writeNumberField("contribution", leg.getValue().contribution());
      out.writeEndObject();
    }
    out.writeEndObject();
    if (!hit.metadata().isEmpty()) {
      out.writeFieldName("metadata");
      out.writeRawValue(hit.metadata().toJson());
    }
    if (hit.passage().isPresent()) {
      out.writeObjectFieldStart("passage");
      out.writeNumberField("start", hit.passage().get().start());
      out.writeNumberField("end", hit.passage().get().end());
      out.writeStringField("text", hit.passage().get().text());
      out.writeEndObject();
    }
    if (tokens) {
      out.writeArrayFieldStart("tokens");
      for (TokenMatch token : hit.tokens()) {
        out.writeStartObject();
        out.writeNumberField("id", token.tokenId());
        out.writeStringField("token", token.token());
        out.writeNumberField("query", token.queryWeight());
        out.writeNumberField("document", token.documentWeight());
        out.writeEndObject();
      }
      out.writeEndArray();
    }
    if (explain) {
      out.writeStringField("explain", hit.explain().toString());
    }
    out.writeEndObject();
  }

  private static void writeFacets(SearchResult result, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeArrayFieldStart("facets");
    for (FacetCounts counts : result.facets()) {
      out.writeStartObject();
      out.writeStringField("field", counts.field());
      out.writeNumberField("documents", counts.documents());
      out.writeNumberField("distinct", counts.distinct());
      out.writeArrayFieldStart("values");
      for (FacetCounts.Value value : counts.values()) {
        out.writeStartObject();
        if (value.value() instanceof MetadataBounds range) {
          out.writePOJOField("range", range.asMap());
        } else {
          out.writePOJOField("value", value.value());
        }
        out.writeNumberField("count", value.count());
        out.writeEndObject();
      }
      out.writeEndArray();
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeEndObject();
  }
}
