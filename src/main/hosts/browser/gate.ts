import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Why a request is turned away; the text is for whoever sees it in a browser. */
export interface Refusal {
  readonly status: 401 | 403
  readonly reason: string
}

/** A link that nobody used is void after this time. */
const LINK_MS = 10 * 60_000

/**
 * The windows that were let in, by the SHA-256 of their cookies. It outlives the host where it is kept on disk: a window finds a host again
 * that was started anew on the same port.
 */
export interface SessionBook {
  has(digest: string): boolean
  add(digest: string): void
}

/**
 * Who may talk to the host (DESIGN section 10). A request must name this host, must not come from another origin, and must carry the
 * cookie that a one-time link was exchanged for. Another page in the same browser has none of the three, a page that had its name
 * resolved to 127.0.0.1 fails the first.
 */
export class Gate {
  readonly #port: number
  readonly #links = new Map<string, number>()
  readonly #sessions: SessionBook

  constructor(port: number, sessions: SessionBook) {
    this.#port = port
    this.#sessions = sessions
  }

  get cookieName(): string {
    return `quantbench-${this.#port}` // cookies do not know ports: two hosts would overwrite each other's
  }

  /** The origins that are this host's own. */
  get origins(): readonly string[] {
    return [`http://127.0.0.1:${this.#port}`, `http://localhost:${this.#port}`]
  }

  /** A token that lets in once. */
  newToken(): string {
    const now = Date.now()
    for (const [token, until] of this.#links) if (until < now) this.#links.delete(token)
    const token = secretText()
    this.#links.set(token, now + LINK_MS)
    return token
  }

  /** Exchanges a token for the value of a cookie; null for one that is unknown, used or too old. */
  exchange(token: string): string | null {
    const known = [...this.#links].find(([candidate]) => isSame(candidate, token))
    if (!known) return null
    this.#links.delete(known[0])
    if (known[1] < Date.now()) return null
    const session = secretText()
    this.#sessions.add(digestOf(session))
    return session
  }

  /** `Set-Cookie` for a session. */
  cookie(session: string): string {
    return `${this.cookieName}=${session}; Path=/; HttpOnly; SameSite=Strict`
  }

  /** Whether the request names this host and comes from its own page, or from no page at all. */
  refuseForeign({ headers }: Pick<IncomingMessage, 'headers'>, needsOrigin: boolean): Refusal | null {
    const { host, origin } = headers
    if (!this.origins.some((own) => own === `http://${host ?? ''}`))
      return { status: 403, reason: 'This host answers under its own name only (127.0.0.1).' }
    if (origin === undefined ? needsOrigin : origin !== `http://${host!}`)
      return { status: 403, reason: 'Another page may not use this host.' }
    return null
  }

  /** Whether the request carries the cookie of a window that was let in. */
  refuseStranger({ headers }: Pick<IncomingMessage, 'headers'>): Refusal | null {
    const cookies = (headers.cookie ?? '').split(';').map((part) => part.trim())
    const own = cookies.find((part) => part.startsWith(`${this.cookieName}=`))?.slice(this.cookieName.length + 1)
    if (own !== undefined && this.#sessions.has(digestOf(own))) return null
    return {
      status: 401,
      reason: 'This window is not known to the host. Open the link that the host printed; each link works once.',
    }
  }
}

/** A new secret: 32 random bytes, in letters that a URL takes. */
export function secretText(): string {
  return randomBytes(32).toString('base64url')
}

function digestOf(session: string): string {
  return createHash('sha256').update(session).digest('hex')
}

/** Compares secrets in a time that does not tell how much of them agrees. */
export function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
