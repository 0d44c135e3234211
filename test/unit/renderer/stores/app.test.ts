import { expect, it, vi } from 'vitest'
import { useAppStore } from '../../../../src/renderer/stores/app.ts'
import { testWindow } from '../host.ts'

it('knows its host once it is connected, and what the host tells', async () => {
  const { events } = testWindow()
  const app = useAppStore()
  const models = vi.fn()
  const stop = app.on('models', models)
  app.listen()
  await vi.waitFor(() => expect(app.info).toMatchObject({ name: 'Quantbench', home: '/home/test/.quantbench' }))
  expect(app.state).toBe('open')
  events.tell({ kind: 'models' })
  events.tell({ kind: 'runs', runs: [] })
  await vi.waitFor(() => expect(models).toHaveBeenCalledOnce())
  stop()
  events.tell({ kind: 'models' })
  events.tell({ kind: 'models' })
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(models).toHaveBeenCalledOnce()
})

it('says when the connection is lost, and counts how often it came', async () => {
  const { connection } = testWindow()
  const app = useAppStore()
  app.listen()
  await vi.waitFor(() => expect(app.epoch).toBe(1))
  const seen: string[] = []
  app.$subscribe(() => seen.push(app.state), { flush: 'sync' })
  await connection.interrupt()
  expect(seen).toContain('lost')
  await vi.waitFor(() => expect(app.epoch).toBe(2))
  expect(app.state).toBe('open')
})

it('hears nothing after it was stopped', async () => {
  const { events } = testWindow()
  const app = useAppStore()
  app.listen()
  await vi.waitFor(() => expect(events.followers).toBe(1))
  app.stop()
  await vi.waitFor(() => expect(events.followers).toBe(0))
})
