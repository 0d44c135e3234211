import { expect, it, vi } from 'vitest'
import { usePaletteStore } from '../../../../src/renderer/stores/palette.ts'
import type { RunSummary } from '../../../../src/shared/contract/runs.ts'
import { os, testWindow } from '../host.ts'

function paletteWindow() {
  const asked: (string | undefined)[] = []
  testWindow({
    runs: {
      list: os.runs.list.handler(({ input }) => {
        asked.push(input.filter.text)
        const run = { id: input.filter.text ?? 'newest' } as RunSummary
        return { total: 1, offset: 0, runs: [run] }
      }),
    },
  })
  return { asked, palette: usePaletteStore() }
}

it('finds runs for what is typed, once typing pauses', async () => {
  const { asked, palette } = paletteWindow()
  palette.show()
  await vi.waitFor(() => expect(palette.runs).toMatchObject([{ id: 'newest' }]))
  for (const text of ['h', 'hy', 'hybrid']) {
    palette.query = text
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await vi.waitFor(() => expect(palette.runs).toMatchObject([{ id: 'hybrid' }]))
  expect(asked).toEqual([undefined, 'hybrid'])
})

it('asks the store for no runs where only commands are looked for', async () => {
  const { asked, palette } = paletteWindow()
  palette.show('>theme')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(asked).toEqual([])
})
