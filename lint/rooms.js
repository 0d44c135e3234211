import path from 'node:path'

/**
 * The import table of DESIGN section 3. `rooms`: rooms a room may import values from; `types`: rooms of which only types are
 * allowed (ports); `outside`: packages and Node modules it may use, as prefixes, or true for any.
 */
const PURE = ['zod']
const TABLE = {
  contract: { rooms: [], types: [], outside: [...PURE, '@orpc/contract'] },
  graph: { rooms: ['contract'], types: [], outside: PURE },
  formats: { rooms: ['graph', 'contract'], types: [], outside: [...PURE, '@bufbuild/protobuf'] },
  quant: { rooms: ['graph', 'contract'], types: ['engines', 'data'], outside: PURE },
  calibration: { rooms: ['quant', 'graph', 'contract'], types: ['engines', 'data'], outside: PURE },
  search: { rooms: ['calibration', 'quant', 'graph', 'contract'], types: ['engines', 'data'], outside: PURE },
  training: { rooms: ['quant', 'graph', 'contract'], types: ['engines', 'data'], outside: PURE },
  engines: {
    rooms: ['graph', 'contract'],
    types: [],
    outside: ['node:', 'onnxruntime-node', 'onnxruntime-common', '@tensorflow/'],
  },
  data: { rooms: ['graph', 'contract'], types: ['engines'], outside: ['node:', 'sharp', 'yauzl', 'csv-parse', 'zod'] },
  store: { rooms: ['graph', 'contract'], types: [], outside: ['node:', 'better-sqlite3', 'zod'] },
  jobs: {
    rooms: ['engines', 'data', 'store', 'search', 'training', 'calibration', 'quant', 'formats', 'graph', 'contract'],
    types: [],
    outside: ['node:', 'zod'],
  },
  hosts: { rooms: true, types: [], outside: true },
  preload: { rooms: ['contract'], types: [], outside: ['electron'] },
  renderer: { rooms: ['contract'], types: [], outside: true },
}

/** The room a source file belongs to, or null outside `src`. */
function roomOf(file) {
  const parts = file.split(path.sep)
  const src = parts.lastIndexOf('src')
  if (src < 0) return null
  const [area, room] = parts.slice(src + 1)
  if (area === 'main') return room
  return area === 'shared' ? 'contract' : area
}

function check(context, node, source, isType) {
  const from = roomOf(context.filename)
  const rule = from && TABLE[from]
  if (!rule) return
  if (source.startsWith('.')) {
    const to = roomOf(path.resolve(path.dirname(context.filename), source))
    if (to === null || to === from || rule.rooms === true || rule.rooms.includes(to)) return
    if (isType && rule.types.includes(to)) return
    context.report({ node, message: `Room "${from}" may not import from "${to}" (DESIGN section 3).` })
    return
  }
  if (source.startsWith('electron') && from !== 'preload' && !context.filename.includes(`hosts${path.sep}electron`)) {
    context.report({ node, message: 'Only hosts/electron and the preload import electron.' })
    return
  }
  if (rule.outside === true || rule.outside.some((prefix) => source.startsWith(prefix))) return
  context.report({ node, message: `Room "${from}" may not use the package "${source}" (DESIGN section 3).` })
}

const typeOnly = (node) =>
  node.importKind === 'type' ||
  node.exportKind === 'type' ||
  (node.specifiers?.length > 0 && node.specifiers.every((specifier) => specifier.importKind === 'type'))

/** The lint rule that holds the import table. */
export default {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const visit = (node) => {
      if (node.source) check(context, node, node.source.value, typeOnly(node))
    }
    return {
      ImportDeclaration: visit,
      ExportNamedDeclaration: visit,
      ExportAllDeclaration: visit,
      ImportExpression: (node) => {
        if (node.source.type === 'Literal') check(context, node, node.source.value, false)
      },
    }
  },
}
