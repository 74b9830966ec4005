# Service Bus: builds come in, rejects are kept, what happened goes out.
locals {
  queues = {
    builds = {
      # The intake row decides what was seen before; a message that is sent again on purpose must not vanish here.
      requires_duplicate_detection         = false
      lock_duration                        = "PT1M"
      max_delivery_count                   = 100
      default_message_ttl                  = "P7D"
      dead_lettering_on_message_expiration = true
    }
    "builds-rejected" = {
      requires_duplicate_detection         = false
      lock_duration                        = "PT1M"
      # Nobody consumes it. To take one message away those before it are received too, and given back.
      max_delivery_count                   = 2000
      default_message_ttl                  = "P14D"
      dead_lettering_on_message_expiration = false
    }
  }

  topics = {
    promotions = {
      requires_duplicate_detection = false
      default_message_ttl          = "P7D"
      # A full topic would refuse events, and with them records: nobody may be reading for a week.
      max_size_in_megabytes = 5120
    }
  }

  subscriptions = {
    audit = {
      topic                                = "promotions"
      lock_duration                        = "PT1M"
      max_delivery_count                   = 10
      default_message_ttl                  = "P7D"
      dead_lettering_on_message_expiration = false
    }
    # What code hosts are told of: a trigger reads it. Its pauses grow to a minute, so twenty deliveries are a quarter of
    # an hour; then the report lies in the dead-letter queue, from where `slipway dlq` puts it back.
    reports = {
      topic                                = "promotions"
      lock_duration                        = "PT1M"
      max_delivery_count                   = 20
      default_message_ttl                  = "P7D"
      dead_lettering_on_message_expiration = true
    }
  }
}

output "queues" {
  value = local.queues
}

output "topics" {
  value = local.topics
}

output "subscriptions" {
  value = local.subscriptions
}
