import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Where the renderer is loaded from: the built file, or the development server. */
export type RendererPage =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'url'; readonly url: string }

/** No remote content, no eval; styles inline because Vue sets them on elements. Source: DESIGN section 10. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"

/** The renderer's page; `developmentUrl` is set by electron-vite while developing. */
export function rendererPage(developmentUrl: string | undefined): RendererPage {
  if (developmentUrl) return { kind: 'url', url: developmentUrl }
  const here = path.dirname(fileURLToPath(import.meta.url))
  return { kind: 'file', path: path.join(here, '../renderer/index.html') }
}

/** True when `url` is our own page, so that a message or a navigation may be trusted. */
export function isOwnPage(url: string, page: RendererPage): boolean {
  try {
    const found = new URL(url)
    if (page.kind === 'url') return found.origin === new URL(page.url).origin
    const own = pathToFileURL(page.path)
    return found.protocol === 'file:' && found.pathname === own.pathname
  } catch {
    return false
  }
}

/** What a page may do beside drawing: put text on the clipboard, which its copy buttons are for. It cannot read it. */
export function allowsPermission(permission: string): boolean {
  return permission === 'clipboard-sanitized-write'
}
