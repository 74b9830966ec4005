# Ids of Azure's built-in roles.
locals {
  role_ids = {
    blob_owner          = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    blob_contributor    = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    table_contributor   = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
    queue_contributor   = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
    bus_receiver        = "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0"
    bus_sender          = "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39"
    durable_contributor = "0ad04412-c4d5-4796-b79c-f76d14c8d402"
    secrets_user        = "4633458b-17de-408a-b874-0445c86b69e6"
    crypto_user         = "12338af0-0e69-4776-bea7-57ae8d297424"
    configuration_owner = "5ae67dd6-50cb-40e7-96ff-dc2bfa4b606b"
    metrics_publisher   = "3913510d-42f4-4e42-8a64-420c390055eb"
    log_reader          = "73c42c96-874c-492b-b04d-ab87d138a893"
  }
}

output "role_ids" {
  value = local.role_ids
}
