"""The few requests by which a code host is told of deployments: GitHub's below `/github`, Azure DevOps' below
`/azure-devops`. They are no part of Azure's management; they are here because this server has the certificate, the
tokens, the faults and the database that they take."""
