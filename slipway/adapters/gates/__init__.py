"""What gates ask outside of us: evidence of a build, a workspace, Defender for Cloud, a system of the team's own."""
