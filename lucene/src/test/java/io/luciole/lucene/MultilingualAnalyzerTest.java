package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.OffsetAttribute;
import org.apache.lucene.util.BytesRef;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MultilingualAnalyzerTest {
  private static List<String> terms(String analyzer, String text) {
    HybridSchema schema =
        HybridSchema.builder(1, true).dense(false).sparse(false).analyzer(analyzer).build();
    LegQueries queries = new LegQueries(schema);
    return queries.terms(text).keySet().stream().map(BytesRef::utf8ToString).toList();
  }

  private static List<String> terms(String text) {
    return terms(Analyzers.MULTILINGUAL, text);
  }

  @ParameterizedTest
  @CsvSource({
    "Fireflies, firefly",
    "Häuser-Verwaltungen, hauser verwaltung",
    "Straße, strasse",
    "звёздами, звёзд",
    "gatitos, gatito",
    "ΝΎΧΤΑ, νύχτα",
    "ΝΥΧΤΑΣ, νύχτας",
    "١٩٤٠, 1940",
    "L'abeille, abeille",
    "dell’ambasciatore, ambasciatore",
    "l'università, universita",
    "Moon's, moon",
    "Bach's, Bach",
    "Zu\u0308rich, Zurich",
    "Zürich, Zurich",
    "за\u0301мок, замок",
    "об'єкт, обєкт",
    "الكتاب, كتاب",
    "والمدرسة, مدرسة",
    "'1,000', 1000",
    "1.000, 1000",
    "'1,234,567', 1234567",
    "'12,34,567', 1234567",
    "١٬٠٠٠, 1000",
    "maps, map",
    "ﬁreflies, firefly",
    "Ｆirefly, firefly",
    "\u1112\u1161\u11AB\u1100\u1173\u11AF, 한글"
  })
  void formsOfAWord_areOne(String first, String second) {
    assertThat(terms(first)).isEqualTo(terms(second)).isNotEmpty();
  }

  @Test
  void words_areCutAfterFiveLetters() {
    assertThat(terms("an internationally known cat"))
        .containsExactly("an", "inter", "known", "cat");
    // Letters beyond the first plane count as one.
    assertThat(terms("𐐨𐐩𐐪𐐫𐐬𐐭𐐮")).containsExactly("𐐨𐐩𐐪𐐫𐐬");
  }

  @Test
  void numbersAndCodes_stayWhole() {
    assertThat(terms("1234567 version299 XK4711-b"))
        .containsExactly("1234567", "version299", "xk4711", "b");
    assertThat(terms("3.14 10.6.0 1,5 1234,567 1,0000"))
        .containsExactly("3.14", "10.6.0", "1,5", "1234,567", "1,0000");
  }

  @Test
  void scriptsWithoutBlanks_becomeWords() {
    assertThat(terms("ฉันชอบกินข้าวเช้า")).containsExactly("ฉัน", "ชอบ", "กิน", "ข้าว", "เช้า");
    assertThat(terms("ຂ້ອຍມັກ")).containsExactly("ຂ້ອຍ", "ມັກ");
    assertThat(terms("ខ្ញុំចូលចិត្ត")).containsExactly("ខ្ញុំ", "ចូលចិត្ត");
    assertThat(terms("မြန်မာစကား")).containsExactly("မြန်မာ", "စကား");
  }

  @Test
  void colon_separatesWords() throws IOException {
    assertThat(terms("title:glow 10:30")).containsExactly("title", "glow", "10", "30");
    assertThat(pieces("a:glow 😀:b")).containsExactly("a", "glow", "😀", "b");
  }

  @Test
  void apostrophesAlone_areNoWords() {
    assertThat(terms("' ’’ '' 'quoted'")).containsExactly("quote");
  }

  @Test
  void offsets_areThoseOfThePartThatIsKept() throws IOException {
    assertThat(pieces("L'abeille et Bach's cello"))
        .containsExactly("abeille", "et", "Bach", "cello");
    assertThat(pieces("Zu\u0308rich x")).containsExactly("Zu\u0308rich", "x");
    assertThat(pieces("กินข้าว 1,000 喝茶")).containsExactly("กิน", "ข้าว", "1,000", "喝", "喝茶", "茶");
    assertThat(pieces("\uD83D\uDE00 𐐨𐐩𐐪𐐫𐐬𐐭𐐮")).endsWith("𐐨𐐩𐐪𐐫𐐬𐐭𐐮");
  }

  private static List<String> pieces(String text) throws IOException {
    List<String> pieces = new ArrayList<>();
    try (Analyzer analyzer = new MultilingualAnalyzer();
        TokenStream tokens = analyzer.tokenStream("words", text)) {
      OffsetAttribute offset = tokens.addAttribute(OffsetAttribute.class);
      tokens.reset();
      while (tokens.incrementToken()) {
        pieces.add(text.substring(offset.startOffset(), offset.endOffset()));
      }
      tokens.end();
    }
    return pieces;
  }

  /** Whatever a text holds, its terms are the same each time, and offsets stay within it. */
  @Test
  void anyText_hasOffsetsWithinIt() throws IOException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    String alphabet = "aé'’1.,١กာគ茶カ한ا\u0308\u200D \uD83D\uDE00\uD801\uDC28ß";
    for (int i = 0; i < 500; i++) {
      StringBuilder text = new StringBuilder();
      for (int c = random.nextInt(30); c > 0; c--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      List<String> once = pieces(text.toString());
      assertThat(once).as("seed %d, \"%s\"", seed, text).isEqualTo(pieces(text.toString()));
      assertThat(terms(text.toString())).as("seed %d, \"%s\"", seed, text).doesNotContain("");
    }
  }

  @Test
  void firstVersion_staysAsItWas_andIsReadUnderItsRecordedName() {
    assertThat(terms(Analyzers.FIRST_MULTILINGUAL, "L'abeille Bach's 1,000 maps 黑豹队 กินข้าว"))
        .containsExactly("l'abe", "bach'", "1,000", "maps", "黑豹", "豹队", "กินข้าว");
    String recorded =
        "{\"words\":{\"analyzer\":\"multilingual\",\"k1\":1.2,\"b\":0.75},\"metadata\":{}}";
    HybridSchema earlier = SchemaJson.read(recorded);
    assertThat(earlier.words().analyzer()).isEqualTo("multilingual-1");
    assertThat(earlier).hasToString(recorded);
    HybridSchema now = HybridSchema.builder(1, true).dense(false).sparse(false).build();
    assertThat(now.toString()).contains("\"multilingual-2\"");
    assertThat(SchemaJson.read(now.toString())).isEqualTo(now).isNotEqualTo(earlier);
    // An index of before is written to as it is, also where today's words are asked for.
    assertThat(now.asKeptBy(earlier)).isEqualTo(earlier);
    assertThat(earlier.asKeptBy(now).words()).isEqualTo(earlier.words());
  }

  @Test
  void chineseJapaneseAndKorean_becomeCharactersAndPairs() {
    assertThat(terms("黑豹队")).containsExactly("黑", "黑豹", "豹", "豹队", "队");
    assertThat(terms("구텐베")).containsExactly("구", "구텐", "텐", "텐베", "베");
    assertThat(terms("茶")).containsExactly("茶");
    assertThat(Stream.of("", "  ", "!?").map(MultilingualAnalyzerTest::terms))
        .allMatch(List::isEmpty);
  }
}
