terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.2"
    }
    azapi = {
      source = "Azure/azapi"
      # 2.9 is the first whose embedded schemas have the versions of Microsoft.Web and Microsoft.DurableTask used here.
      version = "~> 2.9"
    }
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.9"
    }
  }
}

provider "azurerm" {
  subscription_id = var.subscription_id
  # Keys are off on both storage accounts: Terraform too comes with a token.
  storage_use_azuread = true

  # On a new subscription nothing is registered, and since version 5 this provider registers nothing by itself.
  # Microsoft.App, because the private network hands a subnet to it. Who deploys may register (Contributor), or somebody
  # who may has done so before.
  resource_provider_registrations = "none"
  resource_providers_to_register = [
    "Microsoft.App",
    "Microsoft.AppConfiguration",
    "Microsoft.Authorization",
    "Microsoft.DurableTask",
    "microsoft.insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Resources",
    "Microsoft.ServiceBus",
    "Microsoft.Storage",
    "Microsoft.Web",
  ]

  features {}
}

provider "azapi" {
  subscription_id = var.subscription_id
}

provider "azuread" {}
