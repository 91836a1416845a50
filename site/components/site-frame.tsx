/** The frame of every page: header, navigation, footer. */
import type { ReactNode } from 'react';
import { paths } from '../lib/paths.ts';
import { projectAddress } from '../lib/project.ts';
import { NavLink } from './nav-link.tsx';
import { SiteLink } from './site-link.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

const MAIN = [
  { href: paths.leaderboard, title: 'Leaderboard' },
  { href: paths.compare, title: 'Compare' },
  { href: paths.pick, title: 'Pick for me' },
  { href: paths.methods, title: 'Methods' },
  { href: paths.studies, title: 'Studies' },
  { href: paths.protocol, title: 'Protocol' },
  { href: paths.data, title: 'Data' },
];

const MAP = [
  {
    title: 'Results',
    links: [
      { href: paths.home, title: 'Front page' },
      { href: paths.leaderboard, title: 'Leaderboard' },
      { href: paths.scores, title: 'Scores on request' },
      { href: paths.compare, title: 'Compare' },
      { href: paths.pick, title: 'Pick for me' },
    ],
  },
  {
    title: 'What is measured',
    links: [
      { href: paths.methods, title: 'Methods' },
      { href: paths.models, title: 'Models' },
      { href: paths.tasks, title: 'Tasks' },
      { href: paths.runs, title: 'Runs' },
      { href: paths.history, title: 'History' },
    ],
  },
  {
    title: 'How',
    links: [
      { href: paths.protocol, title: 'Protocol' },
      { href: paths.studies, title: 'Studies' },
      { href: paths.architecture, title: 'Architecture' },
      { href: paths.contribute, title: 'Contribute' },
    ],
  },
  {
    title: 'Data',
    links: [
      { href: paths.data, title: 'Dumps and citing' },
      { href: `${paths.data}#corrections`, title: 'Corrections' },
      { href: paths.api, title: 'API' },
    ],
  },
];

export function SiteFrame({ children }: { readonly children: ReactNode }) {
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <header className="site-header">
        <div className="wide">
          <SiteLink className="wordmark" href={paths.home}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <rect
                x="2"
                y="2"
                width="20"
                height="20"
                rx="3"
                fill="none"
                stroke="currentColor"
                strokeWidth="1.5"
                opacity="0.35"
              />
              <rect
                x="2"
                y="10"
                width="12"
                height="12"
                rx="2"
                fill="none"
                stroke="currentColor"
                strokeWidth="1.5"
                opacity="0.65"
              />
              <rect x="2" y="16" width="6" height="6" rx="1.5" fill="currentColor" />
            </svg>
            ShrinkRank
          </SiteLink>
          <nav className="site-nav" aria-label="Main">
            <ul>
              {MAIN.map(({ href, title }) => (
                <li key={href}>
                  <NavLink href={href}>{title}</NavLink>
                </li>
              ))}
            </ul>
          </nav>
          <ThemeSwitch />
        </div>
      </header>
      <main id="main" className="wide">
        {children}
      </main>
      <footer className="site-footer">
        <div className="wide">
          <nav aria-label="All pages">
            {MAP.map(({ title, links }) => (
              <div key={title}>
                <h2>{title}</h2>
                <ul>
                  {links.map((link) => (
                    <li key={link.href}>
                      <SiteLink href={link.href}>{link.title}</SiteLink>
                    </li>
                  ))}
                </ul>
              </div>
            ))}
          </nav>
          <p className="colophon">
            Every figure is read off one ONNX file that really runs; failures are rows. Static pages, no cookies, no
            tracking. Apache-2.0.
            <ProjectLinks />
          </p>
        </div>
      </footer>
    </>
  );
}

/** Nothing where package.json names no address. */
function ProjectLinks() {
  const { repository, bugs } = projectAddress();
  return (
    <>
      {repository !== null && (
        <>
          {' '}
          <a href={repository}>Source code</a>.
        </>
      )}
      {bugs !== null && (
        <>
          {' '}
          <a href={bugs}>Report a defect</a>.
        </>
      )}
    </>
  );
}
