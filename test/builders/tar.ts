/** A member of an archive to be built. */
export interface Member {
  readonly name: string
  readonly content?: Uint8Array
  /** type flag of ustar: '0' file, '2' link, '5' folder; 'L' and 'x' come by themselves for long names */
  readonly type?: string
}

const BLOCK = 512

/** A ustar archive, as tar would write it; names beyond 100 bytes as GNU long names. */
export function tarOf(members: readonly Member[]): Buffer {
  const parts: Buffer[] = []
  for (const { name, content = new Uint8Array(0), type = '0' } of members) {
    if (Buffer.byteLength(name) > 100)
      parts.push(header('././@LongLink', Buffer.byteLength(name) + 1, 'L'), padded(Buffer.from(`${name}\0`)))
    parts.push(header(name.slice(0, 100), content.length, type), padded(Buffer.from(content)))
  }
  parts.push(Buffer.alloc(2 * BLOCK))
  return Buffer.concat(parts)
}

function header(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(name, 0)
  block.write('0000644\0', 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\u000000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)])
}
