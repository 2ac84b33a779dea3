package io.luciole.spark;

import org.apache.spark.sql.connector.write.WriterCommitMessage;

/**
 * What a task has written.
 *
 * @param shard the name of its shard, an empty text if it has none for want of documents
 * @param documents how many documents the shard has
 * @param replaced how many documents were replaced by later ones of the same id
 * @param skipped how many rows were left out, for they had an error
 */
record ShardCommit(String shard, long documents, long replaced, long skipped)
    implements WriterCommitMessage {
  private static final long serialVersionUID = 1L;
}
