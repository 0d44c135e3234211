import type { DescField, DescMessage, Message } from '@bufbuild/protobuf'
import { clone, create, fromBinary, isFieldSet, ScalarType, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from '../../src/main/formats/onnx/gen/onnx_pb.js'

/** A field of a message somewhere in the tree. */
interface Site {
  readonly message: Record<string, unknown>
  readonly field: DescField
}

const below = (random: () => number, limit: number): number => Math.floor(random() * limit)
const pick = <T>(random: () => number, list: readonly T[]): T => list[below(random, list.length)]!

/**
 * The file with one to four fields changed and everything around them still well formed: lengths, types and shapes that lie,
 * names that collide or vanish, attributes of other kinds, nodes repeated, moved and lost.
 */
export function mutateMessage(bytes: Uint8Array, random: () => number): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes)
  for (let i = 1 + below(random, 4); i > 0; i--) {
    const sites = sitesIn(ModelProtoSchema, model)
    const words = wordsIn(sites)
    change(pickSite(sites, random), words, sites, random)
  }
  return toBinary(ModelProtoSchema, model)
}

function sitesIn(desc: DescMessage, message: Message): Site[] {
  const sites: Site[] = []
  const values = message as unknown as Record<string, unknown>
  for (const field of desc.fields) {
    if (field.oneof) sites.push(...oneofSites(values, field))
    else {
      sites.push({ message: values, field })
      if (!field.message || !isFieldSet(message, field)) continue
      const value = values[field.localName]
      for (const inner of Array.isArray(value) ? (value as Message[]) : [value as Message])
        sites.push(...sitesIn(field.message, inner))
    }
  }
  return sites
}

/** A oneof holds its value in `{ case, value }`; that object stands in for the message. */
function oneofSites(values: Record<string, unknown>, field: DescField): Site[] {
  const held = values[field.oneof!.localName] as { case?: string; value?: unknown }
  if (held.case !== field.localName) return []
  const own: Site[] = [{ message: held, field }]
  return field.message ? [...own, ...sitesIn(field.message, held.value as Message)] : own
}

/** Each kind of field is as likely as any other, however many bytes or nodes stand behind it. */
function pickSite(sites: readonly Site[], random: () => number): Site {
  const kinds = [...new Set(sites.map(({ field }) => field))]
  const kind = pick(random, kinds)
  const same = sites.filter(({ field }) => field === kind)
  // mostly one that is in use: unset fields are the many
  const used = same.filter(
    (site) =>
      valueOf(site) !== undefined && !(Array.isArray(valueOf(site)) && (valueOf(site) as unknown[]).length === 0),
  )
  return pick(random, used.length > 0 && random() < 0.8 ? used : same)
}

function keyOf({ field }: Site): string {
  return field.oneof ? 'value' : field.localName
}

function valueOf(site: Site): unknown {
  return Object.hasOwn(site.message, keyOf(site)) ? site.message[keyOf(site)] : undefined
}

function wordsIn(sites: readonly Site[]): string[] {
  const words = new Set<string>()
  for (const site of sites) {
    const value = valueOf(site)
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value])
      if (typeof item === 'string') words.add(item)
  }
  return [...words]
}

function change(site: Site, words: readonly string[], sites: readonly Site[], random: () => number): void {
  const { message, field } = site
  const key = keyOf(site)
  if (field.fieldKind === 'list') message[key] = changedList(message[key] as unknown[], field, words, sites, random)
  else if (field.message)
    message[key] = changedMessage(
      message[key] as Message | undefined,
      field.message,
      sites,
      random,
      field.oneof !== undefined,
    )
  else message[key] = changedScalar(field, message[key], words, random)
}

function changedList(
  list: readonly unknown[],
  field: DescField & { fieldKind: 'list' },
  words: readonly string[],
  sites: readonly Site[],
  random: () => number,
): unknown[] {
  const copy = [...list]
  const at = below(random, copy.length)
  const fresh = (): unknown => (field.message ? create(field.message) : changedScalar(field, undefined, words, random))
  switch (below(random, 7)) {
    case 0:
      copy.splice(at, 1)
      return copy
    case 1:
      return copy.length === 0 ? [fresh()] : copy.toSpliced(at, 0, copied(copy[at], field.message))
    case 2:
      return copy.length < 2 ? [...copy, fresh()] : swapped(copy, at, below(random, copy.length))
    case 3:
      return []
    case 4:
      return [...copy, fresh()]
    case 5: {
      const other = pick(
        random,
        sites.filter((site) => site.field === field),
      )
      const donors = other.message[keyOf(other)] as unknown[]
      return donors.length === 0 ? copy : [...copy, copied(pick(random, donors), field.message)]
    }
    default:
      if (copy.length === 0 || field.message)
        return copy.length === 0
          ? copy
          : [...copy, ...Array.from({ length: 200 }, () => copied(copy[at], field.message))]
      copy[at] = changedScalar(field, copy[at], words, random)
      return copy
  }
}

function swapped(list: unknown[], a: number, b: number): unknown[] {
  const kept = list[a]
  list[a] = list[b]
  list[b] = kept
  return list
}

function copied(value: unknown, desc: DescMessage | undefined): unknown {
  return desc ? clone(desc, value as Message) : value
}

/** Another message of the same type from elsewhere, an empty one, or none. */
function changedMessage(
  value: Message | undefined,
  desc: DescMessage,
  sites: readonly Site[],
  random: () => number,
  required: boolean,
): Message | undefined {
  const donors = sites
    .filter(({ field }) => field.message === desc && field.fieldKind !== 'list')
    .map(valueOf)
    .filter((other) => other !== undefined)
  if (donors.length > 0 && random() < 0.6) return clone(desc, pick(random, donors) as Message)
  return required || random() < 0.5 ? create(desc) : value === undefined ? create(desc) : undefined
}

const integers = [
  0n,
  1n,
  2n,
  3n,
  7n,
  13n,
  16n,
  21n,
  255n,
  1000n,
  65_536n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  -1n,
  -2n,
  -100n,
  -(2n ** 31n),
  -(2n ** 63n),
]
const reals = [0, -0, 1, -1, 0.5, NaN, Infinity, -Infinity, 1e-45, 3.4e38, -3.4e38]
const texts = [
  '',
  'x',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '/dev/zero',
  'ünïcödé \u0000',
  'a'.repeat(5000),
  'Conv',
  'BatchNormalization',
  'Reshape',
  'Identity',
  'Loop',
  'MatMul',
  'Pad',
  'com.microsoft',
  'ai.onnx',
  'SAME_UPPER',
]

function changedScalar(field: DescField, value: unknown, words: readonly string[], random: () => number): unknown {
  if (field.enum) return pick(random, field.enum.values).number
  switch (field.scalar) {
    case ScalarType.INT64:
      return random() < 0.3 && typeof value === 'bigint'
        ? BigInt.asIntN(64, value + BigInt(below(random, 5)) - 2n)
        : BigInt.asIntN(64, pick(random, integers))
    case ScalarType.UINT64:
      return BigInt.asUintN(64, pick(random, integers))
    case ScalarType.INT32:
      return random() < 0.5 ? below(random, 30) : Number(BigInt.asIntN(32, pick(random, integers)))
    case ScalarType.STRING:
      return random() < 0.7 && words.length > 0 ? pick(random, words) : pick(random, texts)
    case ScalarType.BYTES:
      return changedBytes((value as Uint8Array | undefined) ?? new Uint8Array(0), random)
    default:
      return Math.fround(pick(random, reals))
  }
}

function changedBytes(bytes: Uint8Array, random: () => number): Uint8Array {
  switch (below(random, 4)) {
    case 0:
      return new Uint8Array(0)
    case 1:
      return bytes.slice(0, below(random, bytes.length + 1))
    case 2:
      return Uint8Array.from({ length: 1 + below(random, 64) }, () => below(random, 256))
    default: {
      const copy = bytes.slice()
      // the exponents of four floats: NaN, infinities, denormals, huge values
      for (let i = 0; i < 4 && copy.length > 0; i++)
        copy[below(random, copy.length)] = pick(random, [0x7f, 0xff, 0x80, 0x00])
      return copy
    }
  }
}
