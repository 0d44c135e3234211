import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatDataSpec, parseDataSpec } from '../../../src/main/data/spec.ts'

describe('parseDataSpec', () => {
  it.each([
    {
      why: 'a relative path starts at the base',
      text: 'mnist:sets/mnist',
      spec: { kind: 'mnist', path: resolve('/base/sets/mnist') },
    },
    { why: 'an absolute path stays', text: 'images:/pictures', spec: { kind: 'images', path: resolve('/pictures') } },
    { why: 'only the first colon separates', text: 'npz:/a:b.npz', spec: { kind: 'npz', path: resolve('/a:b.npz') } },
    {
      why: 'no shell expands ~ behind a colon',
      text: 'cifar10:~/c',
      spec: { kind: 'cifar10', path: join(homedir(), 'c') },
    },
    { why: 'the built-in set has no path', text: 'synthetic-digits', spec: { kind: 'synthetic-digits' } },
  ])('$why', ({ text, spec }) => {
    expect(parseDataSpec(text, '/base')).toEqual(spec)
  })

  it.each([
    { why: 'an unknown kind', text: 'imagenet:/x', code: 'usage.dataKind' },
    { why: 'a path without its kind', text: './pictures', code: 'usage.dataKind' },
    { why: 'a kind without its path', text: 'mnist', code: 'usage.dataPath' },
    { why: 'an empty path', text: 'mnist:', code: 'usage.dataPath' },
    { why: 'a path where none belongs', text: 'synthetic-digits:x', code: 'usage.dataPath' },
    { why: 'a name every object has', text: 'constructor:x', code: 'usage.dataKind' },
  ])('refuses $why', ({ text, code }) => {
    expect(() => parseDataSpec(text)).toThrow(expect.objectContaining({ code }))
  })

  it.each(['mnist:/data/mnist', 'synthetic-digits'])('formatDataSpec gives back %s', (text) => {
    expect(formatDataSpec(parseDataSpec(text))).toBe(text)
  })
})
