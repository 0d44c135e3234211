import { describe, expect, it, vi } from 'vitest'
import { createLatest } from '../../../../src/renderer/plan/latest.ts'

function desk(pauseMs = 0) {
  const asked: { question: number; answer: (value: string) => void; fail: (error: Error) => void }[] = []
  const answers: string[] = []
  const errors: unknown[] = []
  const latest = createLatest<number, string>({
    ask: (question) =>
      new Promise((answer, fail) => {
        asked.push({ question, answer, fail })
      }),
    onAnswer: (answer) => answers.push(answer),
    onError: (error) => errors.push(error),
    pauseMs,
  })
  return { latest, asked, answers, errors }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

describe('createLatest', () => {
  it('asks at once, and then only the last of what came meanwhile', async () => {
    const { latest, asked, answers } = desk()
    for (const question of [1, 2, 3]) latest.ask(question)
    expect(asked.map(({ question }) => question)).toEqual([1])
    asked[0]!.answer('one')
    await turn()
    expect(asked.map(({ question }) => question)).toEqual([1, 3])
    asked[1]!.answer('three')
    await turn()
    expect(answers).toEqual(['one', 'three'])
  })

  it('tells a failure and goes on', async () => {
    const { latest, asked, errors, answers } = desk()
    latest.ask(1)
    latest.ask(2)
    asked[0]!.fail(new Error('lost'))
    await turn()
    asked[1]!.answer('two')
    await turn()
    expect(errors).toHaveLength(1)
    expect(answers).toEqual(['two'])
  })

  it('drops what is on its way', async () => {
    const { latest, asked, answers } = desk()
    latest.ask(1)
    latest.drop()
    latest.ask(2)
    asked[0]!.answer('one')
    asked[1]!.answer('two')
    await turn()
    expect(answers).toEqual(['two'])
  })

  it('waits for a pause', async () => {
    vi.useFakeTimers()
    try {
      const { latest, asked } = desk(50)
      latest.ask(1)
      vi.advanceTimersByTime(30)
      latest.ask(2)
      vi.advanceTimersByTime(30)
      expect(asked).toHaveLength(0)
      vi.advanceTimersByTime(30)
      await Promise.resolve()
      expect(asked.map(({ question }) => question)).toEqual([2])
    } finally {
      vi.useRealTimers()
    }
  })
})
