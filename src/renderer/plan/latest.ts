/** Asks anew whenever something changes, one question at a time; what was overtaken is never answered. */
export interface Latest<Question> {
  ask(question: Question): void
  /** What is on its way is dropped. */
  drop(): void
}

export interface LatestOptions<Question, Answer> {
  readonly ask: (question: Question, signal: AbortSignal) => Promise<Answer>
  readonly onAnswer: (answer: Answer, question: Question) => void
  readonly onError: (error: unknown, question: Question) => void
  /** waits for a pause of so many ms before it asks; 0 asks at once */
  readonly pauseMs: number
}

/**
 * The newest of many questions: the first is asked at once (or after a pause), those that come while it is on its way replace each other, and
 * the last of them is asked when the answer is there. So a slow answer never piles up work, and each answer shown is of a question asked last.
 */
export function createLatest<Question, Answer>(options: LatestOptions<Question, Answer>): Latest<Question> {
  let waiting: { readonly question: Question } | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let flight: AbortController | null = null

  async function send(): Promise<void> {
    if (flight !== null || waiting === null) return
    const { question } = waiting
    waiting = null
    const own = new AbortController()
    flight = own
    try {
      const answer = await options.ask(question, own.signal)
      if (!own.signal.aborted) options.onAnswer(answer, question)
    } catch (error) {
      if (!own.signal.aborted) options.onError(error, question)
    } finally {
      if (flight === own) flight = null
      if (timer === undefined) void send()
    }
  }

  return {
    ask(question) {
      waiting = { question }
      clearTimeout(timer)
      timer = undefined
      if (options.pauseMs === 0) return void send()
      timer = setTimeout(() => {
        timer = undefined
        void send()
      }, options.pauseMs)
    },
    drop() {
      clearTimeout(timer)
      timer = undefined
      waiting = null
      flight?.abort()
      flight = null
    },
  }
}
