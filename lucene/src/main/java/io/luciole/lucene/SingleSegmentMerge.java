package io.luciole.lucene;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.lucene.index.FilterMergePolicy;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.MergePolicy;
import org.apache.lucene.index.SegmentCommitInfo;
import org.apache.lucene.index.SegmentInfos;
import org.jspecify.annotations.Nullable;

/**
 * The merges of another policy, except that a forced merge rewrites a single segment that was
 * flushed and not merged: its vectors may have no graph yet, see {@link LuceneFormats#codec}.
 */
final class SingleSegmentMerge extends FilterMergePolicy {
  SingleSegmentMerge(MergePolicy usual) {
    super(usual);
  }

  @Override
  public @Nullable MergeSpecification findForcedMerges(
      SegmentInfos infos,
      int maxSegments,
      Map<SegmentCommitInfo, Boolean> segments,
      MergeContext context)
      throws IOException {
    if (infos.size() == 1) {
      SegmentCommitInfo only = infos.info(0);
      boolean isMerged =
          IndexWriter.SOURCE_MERGE.equals(only.info.getDiagnostics().get(IndexWriter.SOURCE));
      if (!isMerged && !context.getMergingSegments().contains(only)) {
        MergeSpecification rewrite = new MergeSpecification();
        rewrite.add(new OneMerge(List.of(only)));
        return rewrite;
      }
    }
    return super.findForcedMerges(infos, maxSegments, segments, context);
  }
}
