import type { DataFinding } from '../../shared/contract/api/data.ts'

/** A finding without what only the command line can do: here a button or the fields beside it do that. */
export function findingText({ message }: Pick<DataFinding, 'message'>): string {
  return message.replace(/: use --preprocess [\w-]+\.$/, '.').replaceAll('--preprocess', 'the preprocessing')
}
