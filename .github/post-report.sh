#!/usr/bin/env bash
# Posts the artifact `method-report` of a run as a comment on the pull request whose head that run was of, in place of
# an earlier one. Needs GH_TOKEN, REPOSITORY, RUN, and HEAD (owner:branch) and COMMIT of the pull request's head.
set -euo pipefail
cd "$(dirname "$0")/.."

# Packed; a report of the most characters that a comment takes is far below it.
most_bytes=1000000
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

artifact=$(gh api "repos/$REPOSITORY/actions/runs/$RUN/artifacts" \
  --jq '[.artifacts[] | select(.name == "method-report")][0] // empty | "\(.id) \(.size_in_bytes)"')
if [ -z "$artifact" ]; then
  echo "no report: the pull request changes no method, or the check did not get that far"
  exit 0
fi
read -r id bytes <<< "$artifact"
if [ "$bytes" -gt "$most_bytes" ]; then
  echo "the report has $bytes bytes, more than $most_bytes; not posted"
  exit 1
fi

number=$(gh api --method GET "repos/$REPOSITORY/pulls" -f state=open -f "head=$HEAD" |
  jq --raw-output --arg commit "$COMMIT" '[.[] | select(.head.sha == $commit)][0].number // empty')
if [ -z "$number" ]; then
  echo "no open pull request of $HEAD has $COMMIT as its head any more; not posted"
  exit 0
fi

# Unpacked to a pipe: no name in the archive becomes a path here, and what is too long is cut, not stored.
gh api "repos/$REPOSITORY/actions/artifacts/$id/zip" > "$folder/report.zip"
{ unzip -p "$folder/report.zip" report.md || true; } | node cli/authors/report-comment.ts > "$folder/body.json"

earlier=$(gh api --paginate "repos/$REPOSITORY/issues/$number/comments" \
  --jq '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- method report -->"))) | .id' |
  head -n 1)
if [ -n "$earlier" ]; then
  gh api --method PATCH "repos/$REPOSITORY/issues/comments/$earlier" --input "$folder/body.json" > /dev/null
else
  gh api --method POST "repos/$REPOSITORY/issues/$number/comments" --input "$folder/body.json" > /dev/null
fi
