import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLI_ENTRY, runCli, SAMPLE } from '../builders/cli.ts'
import { FileServer } from '../builders/file-server.ts'
import { sharedPath } from '../builders/shared.ts'

// `data pull` through real processes, from a server on loopback that has the published files.

const mnist = sharedPath('data/mnist')
const server = new FileServer()
let folder: string
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-pull-'))
  await server.start()
  if (mnist === null) return
  for (const name of fs.readdirSync(mnist)) server.files.set(`/${name}`, fs.readFileSync(path.join(mnist, name)))
})
afterAll(async () => {
  await server.stop()
  fs.rmSync(folder, { recursive: true, force: true })
})

const at = (name: string): string => path.join(folder, name)

it('data list names what can be fetched', async () => {
  const { exitCode, stdout } = await runCli(['data', 'list', '--json', '--home', at('home')])
  expect(exitCode).toBe(0)
  const { sets } = JSON.parse(stdout) as { sets: { name: string }[] }
  expect(sets.map(({ name }) => name)).toEqual(['mnist', 'fashion-mnist', 'cifar10', 'imagenette'])
})

it.each([
  ['a set nobody has', ['data', 'pull', 'cifar11'], /mnist, fashion-mnist, cifar10, imagenette/i],
  ['a mirror that is no address', ['data', 'pull', 'mnist', '--mirror', 'here'], /http/],
])('%s is refused', async (_, args, text) => {
  const { exitCode, stderr } = await runCli([...args, '--home', at('home')])
  expect(stderr).toMatch(text)
  expect(exitCode).toBe(2)
})

describe.skipIf(mnist === null)('the published files of MNIST', () => {
  it(
    'killed and called again, are fetched to their end, verified, and read as data',
    { timeout: 180_000 },
    async () => {
      const args = ['data', 'pull', 'mnist', '--mirror', server.address, '--json', '--home', at('home')]
      server.moods.push({ stallAfter: 4_000_000 })
      await stoppedAt(args, at('home/data/mnist.partial/train-images-idx3-ubyte.gz.part'), 1_000_000, 'SIGKILL')
      expect(fs.existsSync(at('home/data/mnist'))).toBe(false)
      const { exitCode, stdout, stderr } = await runCli(args)
      expect(exitCode, stderr).toBe(0)
      expect(server.requests.some(({ range }) => range !== null)).toBe(true)
      const { data, isNew } = JSON.parse(stdout) as { data: string; isNew: boolean }
      expect([data, isNew]).toEqual([`mnist:${at('home/data/mnist')}`, true])
      expect(fs.existsSync(at('home/data/mnist.partial'))).toBe(false)
      const found = await runCli(['eval', SAMPLE, '--data', data, '--samples', '20', '--json', '--home', at('home')])
      expect(found.exitCode, found.stderr).toBe(0)
      expect(JSON.parse(found.stdout)).toMatchObject({ samples: 20 })
      expect((JSON.parse((await runCli(args)).stdout) as { isNew: boolean }).isNew).toBe(false)
    },
  )

  it('interrupted with Ctrl-C, ends with 130 and keeps what has arrived', async () => {
    server.moods.push({ stallAfter: 4_000_000 })
    const args = ['data', 'pull', 'mnist', '--mirror', server.address, '--to', at('stopped'), '--home', at('home')]
    // nothing is printed within the first ten seconds: the file tells that it is under way
    const part = path.join(at('stopped.partial'), 'train-images-idx3-ubyte.gz.part')
    const exitCode = await stoppedAt(args, part, 1_000_000, 'SIGINT')
    expect(exitCode).toBe(130)
    expect(fs.existsSync(at('stopped'))).toBe(false)
    expect(fs.readdirSync(at('stopped.partial'))).toContain('train-images-idx3-ubyte.gz.part')
  })
})

/** Runs the command line until a file has so many bytes, and sends it and its workers a signal, as a terminal does; gives its exit code. */
async function stoppedAt(
  args: readonly string[],
  file: string,
  bytes: number,
  how: 'SIGKILL' | 'SIGINT',
): Promise<number | null> {
  const child = spawn(process.execPath, [CLI_ENTRY, ...args], { stdio: 'ignore', detached: true })
  const ended = once(child, 'close')
  await expect
    .poll(() => fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0, { timeout: 60_000, interval: 20 })
    .toBeGreaterThan(bytes)
  process.kill(-child.pid!, how)
  return ((await ended) as [number | null])[0]
}
