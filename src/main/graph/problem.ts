/** What a format or pass cannot handle, collected so that one bad operator does not hide the other nine. */
export interface Problem {
  /** node id or tensor name */
  readonly where: string
  readonly op: string | null
  /** a sentence: what was found, what was expected */
  readonly message: string
}

export type OnProblem = (problem: Problem) => void
